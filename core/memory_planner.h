// Places slots of memory that live for a span of steps into one arena: first fit, the largest slot
// first, never two slots on one byte at one step.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hadal {

struct MemorySlot {
  std::size_t bytes = 0;
  int first_step = 0;  // both ends included
  int last_step = -1;  // before first_step: never used
};

struct MemoryPlacement {
  std::vector<std::size_t> offsets;  // of each slot, multiples of 64
  std::size_t arena_bytes = 0;
};

/// `reuse` off: every slot gets bytes of its own.
MemoryPlacement place(std::span<const MemorySlot> slots, bool reuse = true);

/// The largest sum of slot bytes alive at one step: no placement can need less.
std::size_t live_bytes(std::span<const MemorySlot> slots);

}  // namespace hadal
