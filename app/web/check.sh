#!/bin/sh
# Builds everything anew from the locked tools, holds it against the committed files, and weighs it.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
node types.mjs openapi.json > "$fresh.types"
if ! diff "$fresh.types" src/api-types.ts; then
  rm -f "$fresh.types"
  echo "src/api-types.ts is not what openapi.json says. Run: npm run types:write (in app/web)." >&2
  exit 1
fi
rm -f "$fresh.types"
npm run --silent types
node build.mjs "$fresh"
if ! diff -r "$fresh" dist; then
  echo "dist/ is not what the sources build. Run: npm run build (in app/web), and commit dist/." >&2
  exit 1
fi
echo "dist/ is what the sources build"

# weigh NAME MOST FILE...: bytes of the files together, each compressed as it is served.
weigh() {
  name=$1 most=$2 sum=0
  shift 2
  for file; do sum=$((sum + $(gzip -9 -n -c "dist/$file" | wc -c))); done
  echo "$name: $sum bytes gzip of $most"
  if [ "$sum" -gt "$most" ]; then
    echo "$name is too large by $((sum - most)) bytes. Make it smaller." >&2
    exit 1
  fi
}
weigh "loader" 3072 loader.js
for locale in en pt-BR es; do weigh "until the panel is usable ($locale)" 35840 loader.js chat.js "texts-$locale.js"; done
weigh "pages on documents" 8192 documents.js documents.css
if [ -f dist/assist.js ]; then weigh "agents' page" 61440 $(cd dist && ls | grep -E '^assist.*\.(js|css)$'); fi
