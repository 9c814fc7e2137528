package openapi

import "embed"

//go:generate go tool oapi-codegen -config server.cfg.yaml openapi.yaml

// specification is the source of truth: the server's types and routes, the client, request validation and the roles of
// every operation come from it.
//
//go:embed openapi.yaml
var specification []byte

// docs is the viewer: swagger-ui-dist as published (docs/VERSION), with a page and a start script of ours.
//
//go:embed docs/index.html docs/start.js docs/swagger-ui-bundle.js docs/swagger-ui.css
var docs embed.FS
