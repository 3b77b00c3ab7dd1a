#include "core/memory_planner.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace hadal {
namespace {

std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
bool used(const MemorySlot& slot) { return slot.bytes > 0 && slot.last_step >= slot.first_step; }

}  // namespace

MemoryPlacement place(std::span<const MemorySlot> slots, bool reuse) {
  MemoryPlacement placement;
  placement.offsets.assign(slots.size(), 0);
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(slots.size()); ++i)
    if (used(slots[i])) order.push_back(i);
  std::ranges::stable_sort(order, [&](int a, int b) { return slots[a].bytes > slots[b].bytes; });

  std::vector<int> placed;  // by offset
  for (const int slot : order) {
    const MemorySlot& s = slots[slot];
    std::size_t offset = 0;
    for (const int other : placed) {
      const MemorySlot& o = slots[other];
      if (reuse && (o.last_step < s.first_step || s.last_step < o.first_step)) continue;
      if (placement.offsets[other] >= offset + rounded(s.bytes)) break;
      offset = std::max(offset, placement.offsets[other] + rounded(o.bytes));
    }
    placement.offsets[slot] = offset;
    placement.arena_bytes = std::max(placement.arena_bytes, offset + rounded(s.bytes));
    placed.insert(
        std::ranges::upper_bound(placed, offset, {}, [&](int i) { return placement.offsets[i]; }),
        slot);
  }
  return placement;
}

std::size_t live_bytes(std::span<const MemorySlot> slots) {
  std::map<int, std::ptrdiff_t> change;
  for (const MemorySlot& slot : slots) {
    if (!used(slot)) continue;
    change[slot.first_step] += static_cast<std::ptrdiff_t>(rounded(slot.bytes));
    change[slot.last_step + 1] -= static_cast<std::ptrdiff_t>(rounded(slot.bytes));
  }
  std::ptrdiff_t live = 0, most = 0;
  for (const auto& [step, bytes] : change) most = std::max(most, live += bytes);
  return static_cast<std::size_t>(most);
}

}  // namespace hadal
