#include "dist/linalg/column_sample.h"

#include <cstring>
#include <span>

#include "dist/linalg/element_loops.h"

namespace hadal::dist {

ColumnSample sample_columns(Communicator& comm, RowPass& pass, int groups, matrix::Element element,
                            Along along) {
  const std::int64_t width = pass.width();
  const auto columns = static_cast<std::size_t>(width);
  std::vector<double> own;  // group after group: rows, sums and squares by column
  pass.sample(groups, [&](int, const Group& group) {
    const std::size_t base = own.size();
    own.resize(base + 1 + 2 * columns);
    own[base] = static_cast<double>(group.count);
    double* const sum = own.data() + base + 1;
    double* const square = sum + columns;
    with_elements(group, element, [&](const auto* a) {
      if (along == Along::kRows)
        return add_moments(a, group.stride, group.count, width, sum, square);
      for (std::int64_t i = 0; i < width; ++i)
        square[i] += square_sum(a + i * group.stride, group.count);
    });
  });
  ColumnSample sample{
      .seen = 0, .sum = std::vector<double>(columns), .square = std::vector<double>(columns)};
  for (const auto& part : comm.all_gather(std::as_bytes(std::span(own)))) {
    std::vector<double> values(part.size() / sizeof(double));
    if (!values.empty()) std::memcpy(values.data(), part.data(), part.size());
    for (std::size_t base = 0; base < values.size(); base += 1 + 2 * columns) {
      sample.seen += values[base];
      for (std::size_t j = 0; j < columns; ++j) {
        sample.sum[j] += values[base + 1 + j];
        sample.square[j] += values[base + 1 + columns + j];
      }
    }
  }
  return sample;
}

}  // namespace hadal::dist
