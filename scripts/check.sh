#!/usr/bin/env bash
# Format, names and include arrows. Format and arrows are those of all files. clang-tidy looks at what this branch changed:
# everything since it left the main line (the merge base with origin/HEAD, origin/main or main), committed or not; on the
# main line itself, without a change, and where there is no git, at all of them.
#   CHECK_ALL=1           all files (minutes)
#   CHECK_SINCE=<commit>  what changed since then
#   CHECK_SECONDS=<n>     gives up after n seconds, which is a failure: by default it takes the time that it takes
#   CHECK_LIST=1          only says which files clang-tidy would look at
set -uo pipefail
cd "$(dirname "$0")/.."
build=${CHECK_BUILD:-build/release}
failed=0

in_git() { git rev-parse -q --verify HEAD >/dev/null 2>&1; }
patterns=('src/*.cpp' 'src/*.hpp' 'src/*.h' 'include/*.hpp' 'include/*.h' 'tests/*.cpp' 'examples/*.cpp' 'bench/*.cpp')
if in_git; then
  mapfile -t files < <(git ls-files -co --exclude-standard --deduplicate -- "${patterns[@]}" | while read -r file; do [ -f "$file" ] && echo "$file"; done)
else
  mapfile -t files < <(find src include tests examples bench -name '*.cpp' -o -name '*.hpp' -o -name '*.h' | sort)
fi

# ---- which files clang-tidy looks at ---------------------------------------------------------------------------------
all=${CHECK_ALL:-} since=${CHECK_SINCE:-} why="all"
in_git || all=1
if [ -z "$all" ] && [ -z "$since" ]; then
  for line in origin/HEAD origin/main main; do
    since=$(git merge-base HEAD "$line" 2>/dev/null) && break
  done
  clean=$(git status --porcelain)
  if [ -z "$since" ]; then all=1; elif [ "$since" = "$(git rev-parse HEAD)" ] && [ -z "$clean" ]; then all=1; fi
fi
if [ -z "$all" ]; then
  why="changed since $since"
  mapfile -t changed < <({ git diff --name-only --diff-filter=d "$since"; git ls-files -o --exclude-standard; } | sort -u)
  printf '%s\n' "${changed[@]}" | grep -qx '\.clang-tidy' && { all=1; why="all, since .clang-tidy changed"; }
fi
[ -z "$all" ] || changed=("${files[@]}")

# A header is seen through the .cpp beside it, or else through one that includes it; only what this build compiles has its
# flags known.
compiled() { grep -q "/$1\"" "$build/compile_commands.json"; }
[ -f "$build/compile_commands.json" ] || { echo "check: $build/compile_commands.json is missing: run 'make check'" >&2; exit 1; }
sources=() unseen=()
for file in "${changed[@]:-}"; do
  case $file in
    src/*.cpp | examples/*.cpp | tests/*.cpp) through=$file ;;
    src/*.hpp | src/*.h | src/*.inc | src/*.def | include/*)
      through=${file%.*}.cpp
      if ! [ -f "$through" ] || ! compiled "$through"; then
        through=
        while read -r other; do compiled "$other" && { through=$other; break; }; done \
          < <(grep -rlE "#include [\"<]${file#*/}[\">]" src --include='*.cpp' --include='*.hpp' | sed 's/\.hpp$/.cpp/' | sort)
      fi ;;
    *) continue ;;
  esac
  if [ -n "$through" ] && compiled "$through"; then sources+=("$through"); else unseen+=("$file"); fi
done
mapfile -t sources < <(printf '%s\n' "${sources[@]:-}" | sort -u | sed '/^$/d')
if [ -n "${CHECK_LIST:-}" ]; then
  [ ${#sources[@]} = 0 ] || printf '%s\n' "${sources[@]}"
  exit 0
fi

echo "== include arrows"
python3 tests/architecture/include_test.py || failed=1

echo "== format"
if [ ${#files[@]} -gt 0 ]; then
  clang-format-19 --dry-run --Werror --ferror-limit=3 "${files[@]}" || { echo "check: run 'make format'"; failed=1; }
fi
echo "${#files[@]} files"

echo "== names (clang-tidy), $why: ${#sources[@]} files"
tidy() {
  local said rc
  said=$(clang-tidy-19 -p "$1" --quiet --extra-arg=-Wno-unknown-warning-option "$2" 2>&1)
  rc=$?
  printf '%s\n' "$said" | grep -vE '^[0-9]+ warnings? (generated|treated as error)|^Suppressed |^$'
  echo "$2" >>"$3"
  return $rc
}
export -f tidy
if [ ${#sources[@]} -gt 0 ]; then
  seen=$(mktemp)
  # shellcheck disable=SC2016
  printf '%s\n' "${sources[@]}" | timeout "${CHECK_SECONDS:-0}" xargs -P "$(nproc)" -I{} bash -c 'tidy "$@"' tidy "$build" {} "$seen" || failed=1
  n=$(wc -l <"$seen")
  rm -f "$seen"
  if [ "$n" -lt ${#sources[@]} ]; then
    echo "names: only $n of ${#sources[@]} files were seen${CHECK_SECONDS:+ in $CHECK_SECONDS s}"
    failed=1
  fi
fi
[ ${#unseen[@]} = 0 ] || echo "not looked at, since this build does not compile them: ${unseen[*]}"
[ $failed = 0 ] && echo "check: clean" || echo "check: FAILED"
exit $failed
