#include "core/memory_planner.h"

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace hadal {
namespace {

std::vector<MemorySlot> random_slots(std::uint64_t seed, int count, int steps) {
  std::vector<MemorySlot> slots;
  for (int i = 0; i < count; ++i) {
    const random::Stream stream{seed, random::Purpose::kTest, static_cast<std::uint64_t>(i)};
    MemorySlot slot;
    slot.bytes = random::below(stream, 5000, 0);
    slot.first_step = static_cast<int>(random::below(stream, steps, 1));
    slot.last_step = slot.first_step + static_cast<int>(random::below(stream, 12, 2)) - 1;
    slots.push_back(slot);
  }
  return slots;
}

bool used(const MemorySlot& slot) { return slot.bytes > 0 && slot.last_step >= slot.first_step; }

TEST(MemoryPlanner, NoTwoLivingSlotsShareAByte) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    const auto slots = random_slots(seed, 80, 60);
    const MemoryPlacement placement = place(slots);
    for (std::size_t a = 0; a < slots.size(); ++a) {
      if (!used(slots[a])) continue;
      EXPECT_EQ(placement.offsets[a] % 64, 0u);
      EXPECT_LE(placement.offsets[a] + slots[a].bytes, placement.arena_bytes);
      for (std::size_t b = 0; b < a; ++b) {
        if (!used(slots[b])) continue;
        const bool together =
            slots[a].first_step <= slots[b].last_step && slots[b].first_step <= slots[a].last_step;
        const bool overlap = placement.offsets[a] < placement.offsets[b] + slots[b].bytes &&
                             placement.offsets[b] < placement.offsets[a] + slots[a].bytes;
        EXPECT_FALSE(together && overlap) << a << " and " << b;
      }
    }
  }
}

TEST(MemoryPlanner, NeedsAtLeastWhatIsAliveAtOnceAndLittleMore) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto slots = random_slots(seed, 200, 60);
    const std::size_t needed = live_bytes(slots);
    const std::size_t got = place(slots).arena_bytes;
    EXPECT_GE(got, needed);
    EXPECT_LE(got, needed * 3 / 2) << "seed " << seed;
  }
}

TEST(MemoryPlanner, WithoutReuseEverySlotHasBytesOfItsOwn) {
  const auto slots = random_slots(3, 40, 20);
  std::size_t sum = 0;
  for (const MemorySlot& slot : slots)
    if (used(slot)) sum += (slot.bytes + 63) / 64 * 64;
  EXPECT_EQ(place(slots, false).arena_bytes, sum);
}

}  // namespace
}  // namespace hadal
