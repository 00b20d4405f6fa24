// A clock that a test can pace: Date, and the timers of the page, run pace times as fast.
(() => {
	const Real = Date, later = setInterval.bind(window);
	let from = Real.now(), begun = from, rate = 1, next = 1;
	const now = () => begun + (Real.now() - from) * rate;
	const timers = new Map();
	const add = (f, ms, every, args) => (timers.set(next, { f, due: now() + (ms || 0), every, args }), next++);
	window.Date = class extends Real {
		constructor(...args) {
			super(...(args.length > 0 ? args : [now()]));
		}
		static now() {
			return Math.floor(now());
		}
	};
	window.setTimeout = (f, ms, ...args) => add(f, ms, undefined, args);
	window.setInterval = (f, ms, ...args) => add(f, ms, ms, args);
	window.clearTimeout = window.clearInterval = (id) => timers.delete(id);
	later(() => {
		for (const [id, timer] of [...timers]) {
			if (timer.due > now() || !timers.has(id)) continue;
			if (timer.every === undefined) timers.delete(id);
			else timer.due = now() + timer.every;
			timer.f(...timer.args);
		}
	}, 5);
	window.pace = (r) => {
		[begun, from, rate] = [now(), Real.now(), r];
	};
})();
