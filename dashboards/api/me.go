package api

// Me is who asks.
type Me struct {
	Name string `json:"name"`
	// "viewer" or "operator".
	Role string `json:"role"`
	// How the dashboard knows: "password", "proxy", "oidc", or "local" without a login.
	How string `json:"how"`
}
