#include "connector/held_file.hpp"

namespace weir {

// Between opening and locking, the run that held it may have shown this very file under another name, or taken it away: then it is no
// longer ours to touch.
Result<int> hold_file(Disk& disk, const char* path, bool& made) {
  made = false;
  for (;;) {
    auto opened = disk.open_to_write(path, true);
    if (!opened) return fail(opened.error());
    made = true;
    auto locked = disk.lock(*opened);
    if (!locked || !*locked) {
      disk.close(*opened);
      if (!locked) return fail(locked.error());
      made = false;
      Error error(Code::kFenced, path);
      error.detail.append(" is held by another run");
      return fail(error);
    }
    const auto held = disk.info(*opened);
    const auto named = disk.info(path);
    if (held && named && named->kind != FileKind::kNone && held->same_file(*named)) return *opened;
    disk.close(*opened);
    if (!held) return fail(held.error());
    if (!named) return fail(named.error());
  }
}

}  // namespace weir
