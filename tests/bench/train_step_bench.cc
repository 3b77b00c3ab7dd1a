// Images per second of whole training steps on one core: forward, loss, backward, SGD with momentum
// and weight decay, on random images. Prints the median over steps of processor time, as peers do.
//
//   train_step_bench [model [batch [steps]]] [model option=value ...]
//                    [--profile] time by layer
//                    [--direct]  no Winograd
//                    [--plain]   none of our AVX-512 kernels (oneDNN still has its own)
//                    [--serve]   waits for a line on stdin before every `steps` steps (compare.py)
#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <time.h>

#include "core/cpu/cpu_backend.h"
#include "core/executor.h"
#include "core/optim/optimizer.h"
#include "models/registry.h"

namespace hadal {
namespace {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Time per kind of layer, direction and shape.
class Profile final : public StepObserver {
 public:
  void before(const Plan&, const Plan::Step&, const KernelArgs&) override {
    start_ = processor_seconds();
  }
  void after(const Plan& plan, const Plan::Step& step, const KernelArgs&) override {
    const Plan::Node& node = plan.nodes()[step.node];
    const bool backward = step.phase == Plan::Phase::kBackward;
    const std::string key =
        fmt::format("{:22} {:28} {}", node.lowered.layer->type(),
                    node.lowered.layer->describe() + " -> " + node.form.shape.to_string(),
                    backward ? "backward" : "forward");
    Entry& entry = entries_[key];
    entry.seconds += processor_seconds() - start_;
    ++entry.runs;
  }
  void print(int steps) const {
    std::vector<std::pair<std::string, Entry>> rows(entries_.begin(), entries_.end());
    std::sort(rows.begin(), rows.end(),
              [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
    double total = 0;
    for (const auto& [key, entry] : rows) total += entry.seconds;
    for (const auto& [key, entry] : rows)
      fmt::print("{:7.2f} ms {:5.1f} %  {:4} runs of {:6.3f} ms  {}\n", 1e3 * entry.seconds / steps,
                 100 * entry.seconds / total, entry.runs / steps, 1e3 * entry.seconds / entry.runs,
                 key);
    fmt::print("{:7.2f} ms in kernels per step\n", 1e3 * total / steps);
  }

 private:
  struct Entry {
    double seconds = 0;
    int runs = 0;
  };
  std::map<std::string, Entry> entries_;
  double start_ = 0;
};

struct Settings {
  std::string model = "resnet";
  std::vector<std::string> options = {"depth=20"};
  int batch = 128, steps = 12;
  bool profile = false, serve = false;
  CpuOptions cpu;
};

void run(const Settings& settings) {
  const Model model = models::build(settings.model, settings.options);
  Parameters parameters(model.graph);
  parameters.initialize(1);
  CpuBackend backend(settings.cpu);
  PlanOptions options;
  options.batch = settings.batch;
  options.outputs = options.seeds = {model.loss};
  Executor executor(Plan::compile(model.graph, parameters, backend, options), parameters);
  const auto optimizer =
      make_optimizer(parameters, {.kind = "sgd", .momentum = 0.9, .weight_decay = 1e-4});

  std::mt19937 generator(1);
  Tensor images(model.graph.shape(model.image).with_batch(settings.batch));
  for (float& value : images.span<float>()) value = std::normal_distribution<float>()(generator);
  Tensor labels(model.graph.shape(model.labels).with_batch(settings.batch), DType::kInt32);
  for (std::int32_t& label : labels.span<std::int32_t>())
    label = static_cast<std::int32_t>(generator() % 10);
  Tensor seed(model.graph.shape(model.loss).with_batch(settings.batch));
  for (float& value : seed.span<float>()) value = 1.0f / static_cast<float>(settings.batch);
  const Feed inputs[] = {{model.image, images.view()}, {model.labels, labels.view()}};
  const Feed seeds[] = {{model.loss, seed.view()}};

  std::uint64_t step = 0;
  // Images per second of each of so many steps, sorted.
  const auto rates = [&](int steps) {
    std::vector<double> found;
    for (const std::uint64_t end = step + steps; step < end; ++step) {
      const double start = processor_seconds();
      executor.forward(inputs, {.seed = 1, .step = step});
      executor.backward(seeds);
      optimizer->step(0.01);
      found.push_back(settings.batch / (processor_seconds() - start));
    }
    std::sort(found.begin(), found.end());
    return found;
  };

  rates(2);
  if (settings.serve) {
    std::puts("ready");
    std::fflush(stdout);
    for (int c = std::getchar(); c != EOF; c = std::getchar()) {
      fmt::print("{}\n", rates(settings.steps)[settings.steps / 2]);
      std::fflush(stdout);
    }
    return;
  }
  Profile profile;
  if (settings.profile) executor.set_observer(&profile);
  const std::vector<double> found = rates(settings.steps);
  if (settings.profile) profile.print(settings.steps);
  fmt::print("hadal {} {} batch {}: {:.1f} img/s, best {:.1f}; arena {} MiB\n", settings.model,
             fmt::join(settings.options, " "), settings.batch, found[found.size() / 2],
             found.back(), executor.plan().arena_bytes() >> 20);
}

Settings parse(int argc, char** argv) {
  Settings settings;
  int place = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--profile") {
      settings.profile = true;
    } else if (argument == "--serve") {
      settings.serve = true;
    } else if (argument == "--plain") {
      settings.cpu.avx512 = false;
    } else if (argument == "--direct") {
      settings.cpu.winograd = false;
    } else if (argument.find('=') != std::string::npos) {
      if (place < 4) settings.options.clear();
      place = 4;
      settings.options.push_back(argument);
    } else if (place == 0) {
      settings.model = argument;
      ++place;
    } else {
      (place == 1 ? settings.batch : settings.steps) = std::stoi(argument);
      ++place;
    }
  }
  return settings;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    hadal::run(hadal::parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "train_step_bench: {}\n", error.what());
    return 1;
  }
}
