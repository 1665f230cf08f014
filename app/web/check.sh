#!/bin/sh
# Builds the pages anew from the locked tools and holds them against the committed dist/.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
npm run --silent types
node build.mjs "$fresh"
if ! diff -r "$fresh" dist; then
  echo "dist/ is not what the sources build. Run: npm run build (in app/web), and commit dist/." >&2
  exit 1
fi
size=$(wc -c < dist/chat.js)
if [ "$size" -gt 40000 ]; then
  echo "dist/chat.js has $size bytes; 40000 is the most. Make it smaller." >&2
  exit 1
fi
echo "dist/ is what the sources build; chat.js has $size bytes"
