module cnb-migrate.test/tools/go-containerregistry

go 1.26

tool github.com/google/go-containerregistry/cmd/registry

require github.com/google/go-containerregistry v0.21.5
