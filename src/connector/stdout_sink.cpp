#include "connector/stdout_sink.hpp"

#include "io/file.hpp"

namespace weir {

Accepted StdoutSink::write(std::string_view bytes, Error& error) {
  bool closed = false;
  if (Status status = write_all(file_, bytes, &closed); !status) {
    error = status.error();
    error.detail.append(" (stdout)");
    return Accepted::kFailed;
  }
  return closed ? Accepted::kClosed : Accepted::kYes;
}

}  // namespace weir
