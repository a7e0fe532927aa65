#!/usr/bin/env bash
# Puts into DIRECTORY what the tests of the charts need besides Node, built from pinned Go modules: Helm 4 as `helm`,
# Helm 3 as `helm3`, and `audgate-strict` (test/helm/strict). What is there in the right version is left alone.
set -euo pipefail
bin=${1:?usage: tools.sh DIRECTORY}
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOBIN=$bin/.new
trap 'rm -rf "$GOBIN"' EXIT

# NAME MODULE PACKAGE VERSION
helm() {
  if [ -x "$bin/$1" ] && go version -m "$bin/$1" | grep -q "mod[[:space:]]$2[[:space:]]$4[[:space:]]"; then return; fi
  echo "building $3@$4 as $1"
  go install -ldflags='-s -w' "$3@$4"
  mv "$GOBIN/helm" "$bin/$1"
}
helm helm helm.sh/helm/v4 helm.sh/helm/v4/cmd/helm v4.2.4
helm helm3 helm.sh/helm/v3 helm.sh/helm/v3/cmd/helm v3.21.4

cd "$(dirname "$0")/strict"
unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "not as gofmt writes it: $unformatted" >&2
  exit 1
fi
echo "building audgate-strict"
go build -ldflags='-s -w' -o "$bin/audgate-strict" .
