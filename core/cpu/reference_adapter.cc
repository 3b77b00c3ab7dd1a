#include "core/cpu/reference_adapter.h"

#include <optional>
#include <utility>
#include <vector>

#include "core/cpu/layout.h"
#include "core/cpu/workspace.h"

namespace hadal::cpu {
namespace {

TensorView as_nhwc(TensorView view) {
  view.layout = Layout::kNhwc;
  return view;
}

class NhwcAdapter final : public Kernel {
 public:
  NhwcAdapter(const KernelContext& context, std::unique_ptr<Kernel> inner)
      : inner_(std::move(inner)) {
    const auto book = [&](const TensorView& view) -> std::optional<std::size_t> {
      if (is_nhwc(view)) return std::nullopt;
      return plan_.book(view.bytes());
    };
    plan_.book(inner_->workspace_bytes());
    for (const TensorView& in : context.in) {
      in_.push_back(book(in));
      d_in_.push_back(book(in));
    }
    out_ = book(context.out);
    d_out_ = book(context.out);
  }

  std::size_t saved_bytes() const override { return inner_->saved_bytes(); }
  std::size_t workspace_bytes() const override { return plan_.bytes(); }

  void forward(const KernelArgs& args) override {
    std::vector<TensorView> in = inputs(args);
    KernelArgs inner = args;
    inner.in = in;
    inner.out = place(args.out, out_, args);
    inner_->forward(inner);
    if (out_) reorder(inner.out, args.out);
  }

  void backward(const KernelArgs& args) override {
    std::vector<TensorView> in = inputs(args);
    std::vector<TensorView> d_in;
    for (std::size_t i = 0; i < args.d_in.size(); ++i)
      d_in.push_back(place(args.d_in[i], d_in_[i], args));
    KernelArgs inner = args;
    inner.in = in;
    inner.out = copy_in(args.out, out_, args);
    inner.d_out = copy_in(args.d_out, d_out_, args);
    inner.d_in = d_in;
    inner_->backward(inner);
    for (std::size_t i = 0; i < d_in.size(); ++i)
      if (d_in_[i] && d_in[i]) reorder(d_in[i], args.d_in[i]);
  }

 private:
  using Slot = std::optional<std::size_t>;

  // The NHWC stand-in of a view: itself, or its slot in the workspace.
  static TensorView place(const TensorView& view, const Slot& slot, const KernelArgs& args) {
    TensorView placed = as_nhwc(view);
    if (view && slot) placed.data = args.workspace + *slot;
    return placed;
  }

  static TensorView copy_in(const TensorView& view, const Slot& slot, const KernelArgs& args) {
    const TensorView placed = place(view, slot, args);
    if (view && slot) reorder(view, placed);
    return placed;
  }

  std::vector<TensorView> inputs(const KernelArgs& args) const {
    std::vector<TensorView> in;
    for (std::size_t i = 0; i < args.in.size(); ++i)
      in.push_back(copy_in(args.in[i], in_[i], args));
    return in;
  }

  std::unique_ptr<Kernel> inner_;
  WorkspacePlan plan_;
  std::vector<Slot> in_, d_in_;
  Slot out_, d_out_;
};

}  // namespace

std::unique_ptr<Kernel> in_nhwc(
    const KernelContext& context,
    const std::function<std::unique_ptr<Kernel>(const KernelContext&)>& make) {
  KernelContext nhwc = context;
  bool blocked = context.out.layout != Layout::kNhwc;
  for (TensorView& in : nhwc.in) {
    blocked = blocked || in.layout != Layout::kNhwc;
    in = as_nhwc(in);
  }
  nhwc.out = as_nhwc(nhwc.out);
  std::unique_ptr<Kernel> inner = make(nhwc);
  if (!blocked) return inner;
  return std::make_unique<NhwcAdapter>(context, std::move(inner));
}

}  // namespace hadal::cpu
