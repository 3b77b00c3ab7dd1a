#include "core/layers/concat.h"

#include <fmt/format.h>

#include "core/base/error.h"

namespace hadal {
namespace {

class ConcatLayer final : public Layer {
 public:
  std::string_view type() const override { return "concat"; }
  Shape output_shape(std::span<const Shape> in) const override {
    std::vector<std::int64_t> extents(in[0].extents().begin(), in[0].extents().end());
    if (in[0].rank() != 2 && in[0].rank() != 4)
      throw ShapeError(
          fmt::format("input 0 is {}, wanted N x H x W x C or N x C", in[0].to_string()));
    for (std::size_t i = 1; i < in.size(); ++i) {
      const bool fits = in[i].rank() == in[0].rank() && in[i].n() == in[0].n() &&
                        in[i].h() == in[0].h() && in[i].w() == in[0].w();
      if (!fits)
        throw ShapeError(fmt::format("input {} is {}, wanted {} up to the channels", i,
                                     in[i].to_string(), in[0].to_string()));
      extents.back() += in[i].c();
    }
    return Shape(extents);
  }
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend& backend, const KernelContext& context) const override {
    return backend.prepare(ConcatOp{}, context);
  }
};

}  // namespace

Value concat(Graph& g, std::string name, std::vector<Graph::Edge> inputs) {
  if (inputs.empty()) throw ConfigError(name + ": concat has no inputs, wanted one or more");
  return g.apply(std::move(name), std::make_shared<ConcatLayer>(), std::move(inputs));
}

}  // namespace hadal
