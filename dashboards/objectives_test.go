package dashboards

import "testing"

func TestObjectives(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}, Objectives: objectives})
	wantJSON(t, url+"/api/v1/objectives", `[{"target":"https://shop.example","share":0.999,"requests":1200000,"failed":420,"budget_left":0.65,
		"burn":[{"window":"5m0s","rate":96.5},{"window":"1h0m0s","rate":16.2},{"window":"30d","rate":0.35}],"alert":"page",
		"why":"1.62 % of the requests of an hour failed where 0.1 % may: the budget of 30 days lasts 44 hours at this rate"}]`)
	_, url = serve(t, Options{Reader: &fakeReader{}})
	wantJSON(t, url+"/api/v1/objectives", `[]`)
}
