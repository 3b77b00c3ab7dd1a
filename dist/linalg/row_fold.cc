#include "dist/linalg/row_fold.h"

#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/error.h"
#include "dist/heartbeat.h"

namespace hadal::dist {
namespace {

using Node = std::vector<double>;

void add(std::span<double> left, std::span<const double> right) {
  for (std::size_t i = 0; i < left.size(); ++i) left[i] += right[i];
}

/// The nodes of one rank that wait for their sibling.
class Tree {
 public:
  Tree(std::int64_t leaves, const FoldSteps& steps) : leaves_(leaves), steps_(steps) {}

  std::int64_t nodes_at(int level) const { return ceil_shift(leaves_, level); }
  static std::int64_t ceil_shift(std::int64_t value, int level) {
    return (value + (std::int64_t{1} << level) - 1) >> level;
  }

  /// Puts a node in its place: merges it upwards as far as siblings are there.
  void place(int level, std::int64_t index, Node node) {
    for (; nodes_at(level) > 1; ++level, index >>= 1) {
      if ((index ^ 1) >= nodes_at(level)) continue;  // the last of an odd number goes up alone
      std::optional<Node> sibling = take_or_leave(level, index, node);
      if (!sibling) return;
      if (index & 1) std::swap(node, *sibling);
      if (steps_.merge)
        steps_.merge(node, *sibling);
      else
        add(node, *sibling);
    }
    root_ = std::move(node);
  }

  Node take(int level, std::int64_t index) {
    const auto found = waiting_.find({level, index});
    HADAL_CHECK(found != waiting_.end());
    Node node = std::move(found->second);
    waiting_.erase(found);
    return node;
  }

  Node take_root() { return std::move(root_); }

 private:
  std::optional<Node> take_or_leave(int level, std::int64_t index, Node& node) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find({level, index ^ 1});
    if (found == waiting_.end()) {
      waiting_.emplace(std::pair(level, index), std::move(node));
      return std::nullopt;
    }
    std::optional<Node> sibling = std::move(found->second);
    waiting_.erase(found);
    return sibling;
  }

  const std::int64_t leaves_;
  const FoldSteps& steps_;
  std::mutex mutex_;
  std::map<std::pair<int, std::int64_t>, Node> waiting_;
  Node root_;
};

void finish(Communicator& comm, Request& request) {
  while (!request.test()) comm.relax();
}

/// Siblings on two ranks meet on the rank of the left one.
void merge_across_ranks(Communicator& comm, const RowLeaves& leaves, const FoldSteps& steps,
                        Tree& tree) {
  const Heartbeat::Waiting waiting(comm.heartbeat(), "merge of row sums");
  const std::int64_t begin = leaves.first_of(comm.rank(), comm.size());
  const std::int64_t end = leaves.first_of(comm.rank() + 1, comm.size());
  const auto owner = [&](int level, std::int64_t index) {
    return leaves.owner_of(index << level, comm.size());
  };
  for (int level = 0; tree.nodes_at(level) > 1; ++level) {
    const std::int64_t low = Tree::ceil_shift(begin, level), high = Tree::ceil_shift(end, level);
    if (low == high) continue;
    if (high % 2 == 1 && high < tree.nodes_at(level)) {
      Node node(steps.length);
      finish(comm, *comm.start_receive(std::as_writable_bytes(std::span(node)), owner(level, high),
                                       level));
      tree.place(level, high, std::move(node));
    }
    if (low % 2 == 1) {
      const Node node = tree.take(level, low);
      finish(comm, *comm.start_send(std::as_bytes(std::span(node)), owner(level, low - 1), level));
    }
  }
}

}  // namespace

void for_each_leaf(const Communicator& comm, const RowLeaves& leaves, int threads,
                   const LeafWork& work) {
  const std::int64_t end = leaves.first_of(comm.rank() + 1, comm.size());
  std::atomic<std::int64_t> next = leaves.first_of(comm.rank(), comm.size());
  std::atomic<bool> failed = false;
  std::mutex mutex;
  std::exception_ptr first;
  Heartbeat* const heartbeat = comm.heartbeat();
  if (heartbeat != nullptr) heartbeat->enter(Phase::kCompute, "pass over rows");
  const auto run = [&](int thread) {
    try {
      for (std::int64_t leaf; !failed && (leaf = next++) < end;) {
        const std::int64_t row = leaf * leaves.rows_per_leaf;
        work(thread, row, std::min(leaves.rows_per_leaf, leaves.rows - row));
        if (thread == 0 && heartbeat != nullptr) heartbeat->beat();
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      failed = true;
    }
  };
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(run, t);
    run(0);
  }
  if (first) std::rethrow_exception(first);
}

std::vector<double> fold_leaves(Communicator& comm, const RowLeaves& leaves, int threads,
                                const FoldSteps& steps) {
  if (leaves.rows == 0) return Node(comm.rank() == 0 ? steps.length : 0);
  Tree tree(leaves.count(), steps);
  for_each_leaf(comm, leaves, threads, [&](int thread, std::int64_t first, std::int64_t rows) {
    Node node(steps.length);
    steps.leaf(thread, first, rows, node);
    tree.place(0, first / leaves.rows_per_leaf, std::move(node));
  });
  merge_across_ranks(comm, leaves, steps, tree);
  return tree.take_root();
}

void broadcast(Communicator& comm, std::span<double> values) {
  comm.broadcast(std::as_writable_bytes(values), 0);
}

}  // namespace hadal::dist
