#include "sql/kernels.hpp"

namespace weir::sql {

struct KernelData {};
Kernel::Kernel() = default;
Kernel::Kernel(std::unique_ptr<KernelData> data) : data_(std::move(data)) {}
Kernel::Kernel(Kernel&&) noexcept = default;
Kernel& Kernel::operator=(Kernel&&) noexcept = default;
Kernel::~Kernel() = default;
uint32_t Kernel::run_range(const RecordBatch&, RowRange, uint16_t*, RowError*, uint32_t&) const { return 0; }
uint32_t Kernel::run(const RecordBatch&, const uint16_t*, uint32_t, uint16_t*, RowError*, uint32_t&) const { return 0; }
Kernel make_kernel(const BoundQuery&, uint32_t) { return {}; }

}  // namespace weir::sql
