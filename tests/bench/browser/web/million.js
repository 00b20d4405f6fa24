// Notes when the canvas of the map is drawn: at the first frame after something was drawn on it.
(() => {
	const drawn = []; // Unix ms of the frames
	let waiting = false;
	const waiters = []; // called after a frame
	const note = (canvas) => {
		if (waiting || !(canvas instanceof OffscreenCanvas || canvas.closest?.(".map"))) return;
		waiting = true;
		requestAnimationFrame(() => {
			waiting = false;
			drawn.push(performance.timeOrigin + performance.now());
			if (drawn.length > 1000) drawn.shift();
			for (const look of waiters.splice(0)) look();
		});
	};
	for (const { prototype } of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
		for (const name of ["fillRect", "putImageData", "drawImage"]) {
			const draw = prototype[name];
			prototype[name] = function (...args) {
				if (!waiting) note(this.canvas);
				return draw.apply(this, args);
			};
		}
	}
	const until = async (done) => {
		for (;;) {
			const value = done();
			if (value) return value;
			await new Promise((resume) => setTimeout(resume, 5));
		}
	};
	window.received = () => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation")).reduce((sum, e) => sum + e.transferSize, 0);
	window.whole = async () => {
		const at = await until(() => drawn[0]);
		const paint = await until(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
		return { paint, map: at - performance.timeOrigin, bytes: window.received() };
	};
	// Polling would cost the thread that is measured.
	window.drawnAfter = async (at) => {
		for (;;) {
			const t = drawn.find((t) => t > at);
			if (t !== undefined) return t;
			await new Promise((resume) => waiters.push(resume));
		}
	};
	// Enlarges the cells and waits until a part of the map fills the canvas; returns the middle of
	// what is seen.
	window.enlarge = async () => {
		location.hash = "#/?cell=3&near=500000";
		await until(() => document.querySelector(".map.magnified"));
		const overlay = document.querySelector(".map-overlay");
		overlay.scrollIntoView({ block: "start" });
		const box = overlay.getBoundingClientRect();
		return [box.left + box.width / 2, Math.max(box.top, 0) + 300];
	};
	// Counts frames until the function that it returns is called: frames a second, and the longest
	// gap.
	window.countFrames = () => {
		const from = performance.now();
		let last = from, frames = 0, longest = 0, over = false;
		const next = () => {
			const now = performance.now();
			longest = Math.max(longest, now - last);
			last = now;
			frames++;
			if (!over) requestAnimationFrame(next);
		};
		requestAnimationFrame(next);
		window.counted = () => {
			over = true;
			return [(frames * 1000) / (last - from), longest];
		};
	};
	// Moves the pointer over the map in each frame for two seconds: frames a second, and the longest gap.
	window.pointing = async () => {
		const target = document.querySelector(".map-overlay") ?? document.querySelector(".map canvas");
		const box = target.getBoundingClientRect();
		const from = performance.now();
		let last = from, frames = 0, longest = 0;
		while (last - from < 2000) {
			const x = box.left + ((frames * 7) % box.width), y = box.top + ((frames * 3) % box.height);
			target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: x, clientY: y }));
			const now = await new Promise((resume) => requestAnimationFrame(resume));
			longest = Math.max(longest, now - last);
			last = now;
			frames++;
		}
		return [(frames * 1000) / (last - from), longest];
	};
})();
