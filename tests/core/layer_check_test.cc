// The checks themselves: a layer that breaks one promise must fail, and fail for that reason.
#include "tests/core/layer_check.h"

#include <cctype>
#include <functional>
#include <set>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "core/reference/reference_backend.h"
#include "tests/core/kernel_case.h"

namespace hadal::test {
namespace {

/// y = w x^2 with one parameter, honest but for what `fault` says.
enum class Fault {
  kNone,
  kWrongGradient,
  kWrongParameterGradient,
  kUndeclaredRead,
  kWritesBehindOutput,
  kWritesBeforeSaved,
  kChangesInput,
  kClaimsInPlace,
};

class SquareKernel final : public Kernel {
 public:
  SquareKernel(Fault fault, std::int64_t elements) : fault_(fault), elements_(elements) {}

  std::size_t saved_bytes() const override { return sizeof(double); }

  void forward(const KernelArgs& args) override {
    double* x = args.in[0].as<double>();
    double* y = args.out.as<double>();
    for (std::int64_t i = 0; i < elements_; ++i)
      y[i] = args.parameters[0].as<double>()[0] * x[i] * x[i];
    if (fault_ == Fault::kWritesBehindOutput) y[elements_] = 0;
    if (fault_ == Fault::kWritesBeforeSaved) args.saved[-1] = std::byte{0};
    if (fault_ == Fault::kChangesInput) x[0] += 1;
  }

  void backward(const KernelArgs& args) override {
    const double* x = args.in[0].as<double>();
    const double* dy = args.d_out.as<double>();
    double* dx = args.d_in[0] ? args.d_in[0].as<double>() : nullptr;
    double* dw = !args.d_parameters.empty() && args.d_parameters[0]
                     ? args.d_parameters[0].as<double>()
                     : nullptr;
    const double factor = fault_ == Fault::kWrongGradient ? 2.0001 : 2.0;
    if (dw) *dw = fault_ == Fault::kWrongParameterGradient ? 1e-3 : 0;
    for (std::int64_t i = 0; i < elements_; ++i) {
      if (dx) dx[i] = factor * args.parameters[0].as<double>()[0] * x[i] * dy[i];
      // Reads d_out after d_in is written: not fit for working in place.
      if (dw) *dw += x[i] * x[i] * dy[i];
    }
  }

 private:
  Fault fault_;
  std::int64_t elements_;
};

class SquareLayer final : public Layer {
 public:
  explicit SquareLayer(Fault fault) : fault_(fault) {}

  std::string_view type() const override { return "square"; }
  Shape output_shape(std::span<const Shape> in) const override { return in[0]; }
  std::vector<ParameterSpec> parameters(std::span<const Shape>) const override {
    return {{"weight", {1}, Initializer::constant(1)}};
  }
  BackwardReads backward_reads() const override {
    return {.inputs = fault_ != Fault::kUndeclaredRead};
  }
  bool backward_in_place() const override { return fault_ == Fault::kClaimsInPlace; }
  std::unique_ptr<Kernel> prepare(Backend&, const KernelContext& context) const override {
    return std::make_unique<SquareKernel>(fault_, context.out.shape.elements());
  }

 private:
  Fault fault_;
};

LayerCase square(Fault fault) {
  LayerCase layer_case{.name = "square", .in = {{2, 3}}};
  layer_case.build = [fault](Graph& g, std::span<const Value> x) {
    return g.apply("y", std::make_shared<SquareLayer>(fault), {x[0]});
  };
  return layer_case;
}

/// The messages of the expectations that fail while `run` runs, one after another.
std::string failures_of(const std::function<void()>& run) {
  testing::TestPartResultArray results;
  {
    testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    run();
  }
  std::string messages;
  for (int i = 0; i < results.size(); ++i) messages += results.GetTestPartResult(i).message();
  return messages;
}

std::string failures_of(Fault fault) {
  return failures_of([fault] { check_layer(square(fault)); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(LayerCheck, PassesAnHonestLayer) { EXPECT_EQ(failures_of(Fault::kNone), ""); }

TEST(LayerCheck, NamesTheBrokenPromise) {
  const std::pair<Fault, std::string> expected[] = {
      {Fault::kWrongGradient, "d_in[0][0]"},
      {Fault::kWrongParameterGradient, "d_weight[0]"},
      {Fault::kUndeclaredRead, "poisoned"},
      {Fault::kWritesBehindOutput, "written behind out"},
      {Fault::kWritesBeforeSaved, "written before saved"},
      {Fault::kChangesInput, "in[0] was changed"},
      {Fault::kClaimsInPlace, "backward in place"},
  };
  for (const auto& [fault, message] : expected)
    EXPECT_TRUE(contains(failures_of(fault), message)) << message;
}

/// y = x in double and y = (1 + error) x in float, so the candidate is wrong by `error`.
class OffLayer final : public Layer {
 public:
  explicit OffLayer(double error) : error_(error) {}

  std::string_view type() const override { return "off"; }
  Shape output_shape(std::span<const Shape> in) const override { return in[0]; }
  BackwardReads backward_reads() const override { return {}; }
  std::unique_ptr<Kernel> prepare(Backend&, const KernelContext& context) const override {
    return std::make_unique<OffKernel>(context.out.type == DType::kFloat32 ? 1 + error_ : 1);
  }

 private:
  class OffKernel final : public Kernel {
   public:
    explicit OffKernel(double factor) : factor_(factor) {}
    void forward(const KernelArgs& args) override { scale(args.in[0], args.out); }
    void backward(const KernelArgs& args) override { scale(args.d_out, args.d_in[0]); }

   private:
    void scale(const TensorView& from, const TensorView& to) const {
      for (std::int64_t i = 0; i < to.shape.elements(); ++i) {
        if (to.type == DType::kFloat32)
          to.as<float>()[i] = static_cast<float>(factor_ * from.as<float>()[i]);
        else
          to.as<double>()[i] = factor_ * from.as<double>()[i];
      }
    }

    double factor_;
  };

  double error_;
};

TEST(KernelCase, JudgesByTheStatedTolerance) {
  const auto judged = [](double error) {
    KernelCase off{.name = "off", .in = {{2, 3}}};
    off.build = [error](Graph& g, std::span<const Value> x) {
      return g.apply("y", std::make_shared<OffLayer>(error), {x[0]});
    };
    ReferenceBackend backend;
    return failures_of([&] { judge(backend, off); });
  };
  EXPECT_EQ(judged(0), "");
  EXPECT_EQ(judged(3e-6), "");  // tolerance 32 * 1.2e-7 = 3.8e-6 of the largest
  EXPECT_TRUE(contains(judged(4e-6), "plain: out"));
}

TEST(KernelCase, NamesCanNameTests) {
  std::set<std::string> names;
  for (const KernelCase& kernel_case : kernel_cases()) {
    EXPECT_TRUE(names.insert(kernel_case.name).second) << kernel_case.name << " is there twice";
    for (const char c : kernel_case.name)
      EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == '_') << kernel_case.name;
  }
}

TEST(KernelCase, TheReferenceInFloatPassesEveryCase) {
  ReferenceBackend backend;
  for (const KernelCase& kernel_case : kernel_cases()) judge(backend, kernel_case);
}

}  // namespace
}  // namespace hadal::test
