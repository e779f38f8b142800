#!/usr/bin/env bash
# Fetch the charts' scripts anew, by npm: pinned versions, checked against SHA256SUMS beside them.
# usage: scripts/vendor_vega.sh [--renew]   (--renew writes SHA256SUMS instead, after new versions)
set -euo pipefail
cd "$(dirname "$0")/../src/genomark/leaderboard/static/vendor"
vendor=$PWD

scripts=(vega@6.4.0 vega-lite@6.5.0 vega-embed@7.3.0)
# What these three files have in them, for the licences. The other packages of Vega itself have its own.
inside=(
    d3-array@3.2.5 d3-color@3.1.1 d3-delaunay@6.0.6 d3-dispatch@3.0.2 d3-dsv@3.0.2 d3-force@3.0.1
    d3-format@3.1.3 d3-geo@3.1.2 d3-geo-projection@4.0.0 d3-hierarchy@3.1.3 d3-interpolate@3.0.2
    d3-path@3.1.1 d3-quadtree@3.0.2 d3-scale@4.0.3 d3-scale-chromatic@3.1.1 d3-shape@3.2.1
    d3-time@3.1.1 d3-time-format@4.1.1 d3-timer@3.0.2 delaunator@5.1.0 robust-predicates@3.0.3
    internmap@2.0.3 topojson-client@3.1.0 tslib@2.8.1 fast-json-patch@3.1.1 semver@7.8.6
    json-stringify-pretty-compact@4.0.0 vega-interpreter@2.3.2 vega-schema-url-parser@3.0.2
    vega-themes@3.0.0 vega-tooltip@1.1.0
)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
: > LICENSES.txt
for package in "${scripts[@]}" "${inside[@]}"; do
    archive=$(npm pack --silent "$package")
    mkdir "$package"
    tar -xzf "$archive" -C "$package" --strip-components 1
    licence=$(find "$package" -maxdepth 1 -iname 'licen[cs]e*' ! -iname '*3rd*' | sort | head -n 1)
    if [ -z "$licence" ]; then
        echo "$package comes without a licence file: look for its licence, and leave it out" >&2
        exit 1
    fi
    { echo "==== $package ===="; echo; cat "$licence"; echo; } >> LICENSES.txt
done
cp vega@*/build/vega.min.js vega-lite@*/build/vega-lite.min.js \
    vega-embed@*/build/vega-embed.min.js .
names=(LICENSES.txt vega.min.js vega-lite.min.js vega-embed.min.js)
if [ "${1:-}" = --renew ]; then
    sha256sum "${names[@]}" > "$vendor/SHA256SUMS"
fi
cp "$vendor/SHA256SUMS" .
sha256sum --check --quiet SHA256SUMS
cp "${names[@]}" "$vendor/"
echo "In $vendor: ${scripts[*]}"
