#!/usr/bin/env bash
# Format, names and include arrows. Without arguments: format and arrows of everything, clang-tidy on the files changed
# since CHECK_SINCE (default: HEAD~1, and what is not committed); CHECK_ALL=1 looks at all of them. clang-tidy stops
# after CHECK_SECONDS (default 300) and says how far it came.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

echo "== include arrows"
python3 tests/architecture/include_test.py || failed=1

echo "== format"
mapfile -t files < <(git ls-files -co --exclude-standard -- 'src/*.cpp' 'src/*.hpp' 'src/*.h' 'include/*.hpp' 'include/*.h' 'tests/*.cpp' 'examples/*.cpp' 'bench/*.cpp')
if [ ${#files[@]} -gt 0 ]; then
  clang-format-19 --dry-run --Werror --ferror-limit=3 "${files[@]}" || { echo "check: run 'make format'"; failed=1; }
fi
echo "${#files[@]} files"

echo "== names (clang-tidy)"
if [ -n "${CHECK_ALL:-}" ] || ! git rev-parse -q --verify HEAD >/dev/null; then
  changed=("${files[@]}")
else
  since=${CHECK_SINCE:-$(git rev-parse -q --verify HEAD~1 || git rev-parse HEAD)}
  mapfile -t changed < <({ git diff --name-only --diff-filter=d "$since"; git ls-files -o --exclude-standard; } | sort -u)
fi
sources=()
for file in "${changed[@]}"; do
  # A header is seen through the .cpp beside it; only what this build compiles has its flags known.
  case $file in *.hpp) [ -f "${file%.hpp}.cpp" ] && file=${file%.hpp}.cpp || continue ;; src/*.cpp) ;; *) continue ;; esac
  grep -q "/$file\"" build/release/compile_commands.json 2>/dev/null && sources+=("$file")
done
mapfile -t sources < <(printf '%s\n' "${sources[@]:-}" | sort -u | sed '/^$/d')
if [ ${#sources[@]} -gt 0 ]; then
  # shellcheck disable=SC2016
  printf '%s\n' "${sources[@]}" | timeout "${CHECK_SECONDS:-300}" xargs -P "$(nproc)" -n 1 clang-tidy-19 -p build/release --quiet \
    --extra-arg=-Wno-unknown-warning-option 2>/dev/null
  rc=$?
  if [ $rc = 124 ]; then echo "names: stopped after ${CHECK_SECONDS:-300} s, not all of ${#sources[@]} files were seen"; elif [ $rc != 0 ]; then failed=1; fi
fi
echo "${#sources[@]} files"
[ $failed = 0 ] && echo "check: clean" || echo "check: FAILED"
exit $failed
