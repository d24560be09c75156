module github.com/runnel-sse/runnel/bench

go 1.26.0

require (
	github.com/runnel-sse/runnel v0.0.0
	github.com/stretchr/testify v1.12.1
	github.com/tmaxmax/go-sse v0.12.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/runnel-sse/runnel => ../
