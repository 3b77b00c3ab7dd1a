#include "core/cpu/winograd.h"

#include <algorithm>
#include <cstring>

#include "core/cpu/avx512.h"
#include "core/cpu/layout.h"
#include "core/cpu/winograd_transforms.h"

namespace hadal::cpu {
namespace {

constexpr int kPoints = 36;  // 6 x 6

// Tiles whose sums stand in registers together.
constexpr std::int64_t kGroup = 12;

// Tiles per chunk. Few, so that 36 x tiles x channels transformed numbers stay in the second-level
// cache; more where the weights do not fit there anyway and must be worth fetching. No powers of
// two: strides of 1 or 2 KiB fall into few sets of a cache (16 -> 12 and 32 -> 24 tiles made the
// weight gradient 1.3 to 2 times as fast).
struct TilesPerChunk {
  std::int64_t product, gradient;
};
constexpr TilesPerChunk kFewChannels = {12, 24}, kManyChannels = {84, 84};
constexpr std::int64_t kMaxTiles = 84;

TilesPerChunk tiles_per_chunk(std::int64_t in, std::int64_t out) {
  return in * out <= 128 * 128 ? kFewChannels : kManyChannels;
}

// From point to point of transformed tiles; one line more keeps the points in different sets.
std::int64_t point_stride(std::int64_t blocks, std::int64_t tiles) {
  return (blocks * tiles + 1) * kBlock;
}

// One side of the convolution: an image in blocks, cut into tiles of 4 x 4 outputs.
struct Grid {
  std::int64_t blocks, height, width;
  int top, left;               // of the first tile's first input pixel: -top, -left
  std::int64_t rows, columns;  // of tiles
};

// Where a tile lies.
struct Place {
  std::int64_t image, row, column;  // row, column: of its first output pixel
};

// The tiles worked on, and those after them, which are fetched meanwhile: the hardware does not
// foresee walks over tiles, and waiting for the third-level cache would double the time.
struct Chunk {
  std::int64_t count = 0, next_count = 0;
  Place tiles[kMaxTiles], next[kMaxTiles];
};

class Chunks {
 public:
  Chunks(const Grid& grid, std::int64_t images, std::int64_t tiles_per_chunk)
      : grid_(grid), tiles_(images * grid.rows * grid.columns), per_chunk_(tiles_per_chunk) {
    chunk_.next_count = place(chunk_.next);
  }

  // Null after the last.
  const Chunk* advance() {
    std::copy_n(chunk_.next, chunk_.next_count, chunk_.tiles);
    chunk_.count = chunk_.next_count;
    chunk_.next_count = place(chunk_.next);
    return chunk_.count > 0 ? &chunk_ : nullptr;
  }

 private:
  std::int64_t place(Place* places) {
    const std::int64_t count = std::min(per_chunk_, tiles_ - placed_);
    for (std::int64_t i = 0; i < count; ++i, ++placed_) {
      const std::int64_t row = placed_ / grid_.columns;
      places[i] = {row / grid_.rows, row % grid_.rows * 4, placed_ % grid_.columns * 4};
    }
    return count;
  }

  const Grid grid_;
  const std::int64_t tiles_, per_chunk_;
  std::int64_t placed_ = 0;
  Chunk chunk_;
};

// The pixel at (row, column) of a tile's image, one block of channels; may lie outside.
template <typename T>
HADAL_AVX512_INLINE T* pixel(T* data, const Grid& grid, std::int64_t block, std::int64_t image,
                             std::int64_t row, std::int64_t column) {
  return data +
         (((image * grid.blocks + block) * grid.height + row) * grid.width + column) * kBlock;
}

// Fetches the 4 x 4 pixels under tile i of the next chunk.
template <bool kForWriting>
HADAL_AVX512_INLINE void fetch_next(const float* data, const Grid& grid, std::int64_t block,
                                    const Chunk& chunk, std::int64_t i) {
  if (i >= chunk.next_count) return;
  const Place& tile = chunk.next[i];
  const float* origin = pixel(data, grid, block, tile.image, tile.row, tile.column);
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c)
      __builtin_prefetch(origin + (r * grid.width + c) * kBlock, kForWriting ? 1 : 0, 3);
}

// Bits 0..5: which of six pixels from `first` on lie in [0, extent).
HADAL_AVX512_INLINE unsigned inside(std::int64_t first, std::int64_t extent) {
  unsigned bits = 0;
  for (int i = 0; i < 6; ++i) bits |= (first + i >= 0 && first + i < extent ? 1u : 0u) << i;
  return bits;
}

// What lies outside the image.
alignas(64) constexpr float kZeros[6 * kBlock] = {};

// v[point][tile] <- B^T x B for the tiles of a chunk and one block of channels, points
// `point_stride` apart.
HADAL_AVX512 void transform_input(const float* x, const Grid& grid, std::int64_t block,
                                  const Chunk& chunk, float* v, std::int64_t point_stride) {
  alignas(64) float half[kPoints * kBlock];
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    fetch_next<false>(x, grid, block, chunk, i);
    const Place& tile = chunk.tiles[i];
    const std::int64_t row = tile.row - grid.top, column = tile.column - grid.left;
    const unsigned rows = inside(row, grid.height), columns = inside(column, grid.width);
    const float* origin = pixel(x, grid, block, tile.image, row, column);
    const std::int64_t row_stride = grid.width * kBlock;
    const float* lines[6];
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) lines[r] = rows >> r & 1 ? origin + r * row_stride : kZeros;
    __m512 d[6], t[6];
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) {
      if (columns >> c & 1) {
#pragma GCC unroll 6
        for (int r = 0; r < 6; ++r) d[r] = load(lines[r] + c * kBlock);
        input_1d(d, t);
      } else {
#pragma GCC unroll 6
        for (int r = 0; r < 6; ++r) t[r] = _mm512_setzero_ps();
      }
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) store(half + (r * 6 + c) * kBlock, t[r]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) {
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) d[c] = load(half + (r * 6 + c) * kBlock);
      input_1d(d, t);
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) store(v + (r * 6 + c) * point_stride + i * kBlock, t[c]);
    }
  }
}

// m[point][tile] <- A dy A^T, as above; dy has the tiles' 4 x 4 pixels.
HADAL_AVX512 void transform_gradient(const float* dy, const Grid& grid, std::int64_t block,
                                     const Chunk& chunk, float* m, std::int64_t point_stride) {
  alignas(64) float half[24 * kBlock];
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    fetch_next<false>(dy, grid, block, chunk, i);
    const Place& tile = chunk.tiles[i];
    const std::int64_t row = tile.row, column = tile.column;
    const unsigned rows = inside(row, grid.height), columns = inside(column, grid.width);
    const float* origin = pixel(dy, grid, block, tile.image, row, column);
    const std::int64_t row_stride = grid.width * kBlock;
    const float* lines[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) lines[r] = rows >> r & 1 ? origin + r * row_stride : kZeros;
    __m512 y[4], t[6];
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) y[r] = load((columns >> c & 1 ? lines[r] : kZeros) + c * kBlock);
      gradient_1d(y, t);
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) store(half + (r * 4 + c) * kBlock, t[r]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) {
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) y[c] = load(half + (r * 4 + c) * kBlock);
      gradient_1d(y, t);
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) store(m + (r * 6 + c) * point_stride + i * kBlock, t[c]);
    }
  }
}

// y <- A^T m A + bias (+ y when kAdd) for one block of channels.
template <bool kAdd>
HADAL_AVX512 void transform_output(const float* m, std::int64_t point_stride, const Grid& grid,
                                   std::int64_t block, const Chunk& chunk, const float* bias,
                                   float* y) {
  alignas(64) float half[24 * kBlock];
  const __m512 b = bias ? load(bias + block * kBlock) : _mm512_setzero_ps();
  for (std::int64_t i = 0; i < chunk.count; ++i) {
    fetch_next<true>(y, grid, block, chunk, i);
    const Place& tile = chunk.tiles[i];
    const std::int64_t row = tile.row, column = tile.column;
    float* origin = pixel(y, grid, block, tile.image, row, column);
    const std::int64_t row_stride = grid.width * kBlock;
    __m512 s[6], t[4];
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) {
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) s[r] = load(m + (r * 6 + c) * point_stride + i * kBlock);
      output_1d(s, t);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) store(half + (r * 6 + c) * kBlock, t[r]);
    }
    const std::int64_t rows = std::min<std::int64_t>(4, grid.height - row);
    const std::int64_t columns = std::min<std::int64_t>(4, grid.width - column);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      if (r >= rows) break;
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) s[c] = load(half + (r * 6 + c) * kBlock);
      output_1d(s, t);
#pragma GCC unroll 4
      for (int c = 0; c < 4; ++c) {
        if (c >= columns) break;
        float* at = origin + r * row_stride + c * kBlock;
        __m512 value = plus(t[c], b);
        if constexpr (kAdd) value = plus(value, load(at));
        store(at, value);
      }
    }
  }
}

// m[t][j] = sum_k v[k/16][t][k%16] u[k][j] for kGroup tiles and kOut blocks of 16 outputs, at one
// point. v: in_blocks x tiles x 16, u: (16 in_blocks) x 16 per block of outputs, m: tiles x 16 per
// block of outputs; blocks of u are `u_stride` apart, those of v and m `block_stride`.
template <int kOut>
HADAL_AVX512 void multiply(const float* v, std::int64_t in_blocks, const float* u,
                           std::int64_t u_stride, float* m, std::int64_t block_stride) {
  __m512 sum[kOut][kGroup];
#pragma GCC unroll 2
  for (int o = 0; o < kOut; ++o)
#pragma GCC unroll 12
    for (int t = 0; t < kGroup; ++t) sum[o][t] = _mm512_setzero_ps();
  for (std::int64_t b = 0; b < in_blocks; ++b) {
    const float* vb = v + b * block_stride;
    const float* ub = u + b * kBlock * kBlock;
#pragma GCC unroll 4
    for (int k = 0; k < kBlock; ++k) {
      __m512 w[kOut];
#pragma GCC unroll 2
      for (int o = 0; o < kOut; ++o) w[o] = load(ub + o * u_stride + k * kBlock);
#pragma GCC unroll 12
      for (int t = 0; t < kGroup; ++t) {
        const __m512 value = _mm512_set1_ps(vb[t * kBlock + k]);
#pragma GCC unroll 2
        for (int o = 0; o < kOut; ++o) sum[o][t] = _mm512_fmadd_ps(value, w[o], sum[o][t]);
      }
    }
  }
#pragma GCC unroll 2
  for (int o = 0; o < kOut; ++o)
#pragma GCC unroll 12
    for (int t = 0; t < kGroup; ++t) store(m + o * block_stride + t * kBlock, sum[o][t]);
}

// u[point][out block][k][16 outputs] <- G g G^T, where g(row, column) at (k, output) is
// w[output][row][column][k].
HADAL_AVX512 void transform_weights(const float* w, std::int64_t in, std::int64_t out, float* u) {
  const std::int64_t per_output = 9 * in;
  const __m512i lanes =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(per_output)));
  for (std::int64_t o = 0; o < out; o += kBlock)
    for (std::int64_t k = 0; k < in; ++k) {
      __m512 g[3], s[6], rows[6][3];
#pragma GCC unroll 3
      for (int c = 0; c < 3; ++c) {
        for (int r = 0; r < 3; ++r)
          g[r] = _mm512_i32gather_ps(lanes, w + o * per_output + (r * 3 + c) * in + k, 4);
        weight_1d(g, s);
        for (int r = 0; r < 6; ++r) rows[r][c] = s[r];
      }
      for (int r = 0; r < 6; ++r) {
        weight_1d(rows[r], s);
        for (int c = 0; c < 6; ++c) store(u + (r * 6 + c) * in * out + (o * in + k * kBlock), s[c]);
      }
    }
}

// The same for the transposed, mirrored filter: u[point][in block][o][16 inputs].
HADAL_AVX512 void transform_mirrored_weights(const float* w, std::int64_t in, std::int64_t out,
                                             float* u) {
  for (std::int64_t k = 0; k < in; k += kBlock)
    for (std::int64_t o = 0; o < out; ++o) {
      __m512 g[3], s[6], rows[6][3];
      for (int c = 0; c < 3; ++c) {
        for (int r = 0; r < 3; ++r) g[r] = load(w + (o * 9 + (2 - r) * 3 + (2 - c)) * in + k);
        weight_1d(g, s);
        for (int r = 0; r < 6; ++r) rows[r][c] = s[r];
      }
      for (int r = 0; r < 6; ++r) {
        weight_1d(rows[r], s);
        for (int c = 0; c < 6; ++c)
          store(u + (r * 6 + c) * in * out + (k * out + o * kBlock), s[c]);
      }
    }
}

// dst <- filter * src, with the filter already in u[point][dst block][src channel][16].
template <bool kAdd>
HADAL_AVX512 void convolve(const float* src, const Grid& from, const float* u, const float* bias,
                           float* dst, const Grid& to, std::int64_t images, float* buffer) {
  const int step = to.blocks % 2 == 0 ? 2 : 1;
  const std::int64_t tiles = tiles_per_chunk(from.blocks * kBlock, to.blocks * kBlock).product;
  const std::int64_t v_stride = point_stride(from.blocks, tiles);
  const std::int64_t m_stride = point_stride(step, tiles);
  const std::int64_t u_stride = from.blocks * kBlock * kBlock, block_stride = tiles * kBlock;
  float* v = buffer;
  float* m = v + kPoints * v_stride;
  Chunks chunks(to, images, tiles);
  while (const Chunk* chunk = chunks.advance()) {
    for (std::int64_t b = 0; b < from.blocks; ++b)
      transform_input(src, from, b, *chunk, v + b * block_stride, v_stride);
    for (std::int64_t b = 0; b < to.blocks; b += step) {
      for (int p = 0; p < kPoints; ++p)
        for (std::int64_t t = 0; t < chunk->count; t += kGroup) {
          const float* vt = v + p * v_stride + t * kBlock;
          const float* up = u + (p * to.blocks + b) * u_stride;
          float* mt = m + p * m_stride + t * kBlock;
          if (step == 2)
            multiply<2>(vt, from.blocks, up, u_stride, mt, block_stride);
          else
            multiply<1>(vt, from.blocks, up, u_stride, mt, block_stride);
        }
      for (int o = 0; o < step; ++o)
        transform_output<kAdd>(m + o * block_stride, m_stride, to, b + o, *chunk, bias, dst);
    }
  }
}

// du[o][16 inputs] += sum_t m[t][o] v[t][16 inputs] at one point, for 16 outputs and kIn blocks of
// inputs; blocks of v are `v_stride` apart, those of du 16 x 16.
template <int kIn>
HADAL_AVX512 void multiply_gradient(const float* m, const float* v, std::int64_t v_stride,
                                    std::int64_t count, float* du) {
  constexpr int kRows = kBlock / kIn;
  for (int first = 0; first < kBlock; first += kRows) {
    __m512 sum[kIn][kRows];
#pragma GCC unroll 2
    for (int k = 0; k < kIn; ++k)
#pragma GCC unroll 16
      for (int o = 0; o < kRows; ++o) sum[k][o] = load(du + (k * kBlock + first + o) * kBlock);
    for (std::int64_t t = 0; t < count; ++t) {
      __m512 value[kIn];
#pragma GCC unroll 2
      for (int k = 0; k < kIn; ++k) value[k] = load(v + k * v_stride + t * kBlock);
#pragma GCC unroll 16
      for (int o = 0; o < kRows; ++o) {
        const __m512 gradient = _mm512_set1_ps(m[t * kBlock + first + o]);
#pragma GCC unroll 2
        for (int k = 0; k < kIn; ++k) sum[k][o] = _mm512_fmadd_ps(gradient, value[k], sum[k][o]);
      }
    }
#pragma GCC unroll 2
    for (int k = 0; k < kIn; ++k)
#pragma GCC unroll 16
      for (int o = 0; o < kRows; ++o) store(du + (k * kBlock + first + o) * kBlock, sum[k][o]);
  }
}

// dw[o][row][column][k] <- G^T du G; du[point][out block][in block][16 outputs][16 inputs].
HADAL_AVX512 void transform_weight_gradient(const float* du, std::int64_t in, std::int64_t out,
                                            float* dw) {
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t k = 0; k < in; k += kBlock) {
      const float* origin = du + o / kBlock * kBlock * in + k * kBlock + o % kBlock * kBlock;
      __m512 u[6], g[3], rows[3][6];
      for (int c = 0; c < 6; ++c) {
        for (int r = 0; r < 6; ++r) u[r] = load(origin + (r * 6 + c) * in * out);
        weight_gradient_1d(u, g);
        for (int r = 0; r < 3; ++r) rows[r][c] = g[r];
      }
      for (int r = 0; r < 3; ++r) {
        weight_gradient_1d(rows[r], g);
        for (int c = 0; c < 3; ++c) store(dw + (o * 9 + r * 3 + c) * in + k, g[c]);
      }
    }
}

HADAL_AVX512 void accumulate_weight_gradient(const float* x, const Grid& from, const float* dy,
                                             const Grid& to, std::int64_t images, float* du,
                                             float* buffer) {
  const std::int64_t tiles = tiles_per_chunk(from.blocks * kBlock, to.blocks * kBlock).gradient;
  const std::int64_t v_stride = point_stride(from.blocks, tiles);
  const std::int64_t m_stride = point_stride(to.blocks, tiles);
  const std::int64_t pair = kBlock * kBlock, block_stride = tiles * kBlock;
  const int step = from.blocks % 2 == 0 ? 2 : 1;
  float* v = buffer;
  float* m = v + kPoints * v_stride;
  std::memset(du, 0, kPoints * from.blocks * to.blocks * pair * sizeof(float));
  Chunks chunks(to, images, tiles);
  while (const Chunk* chunk = chunks.advance()) {
    for (std::int64_t b = 0; b < from.blocks; ++b)
      transform_input(x, from, b, *chunk, v + b * block_stride, v_stride);
    for (std::int64_t b = 0; b < to.blocks; ++b)
      transform_gradient(dy, to, b, *chunk, m + b * block_stride, m_stride);
    for (int p = 0; p < kPoints; ++p)
      for (std::int64_t o = 0; o < to.blocks; ++o)
        for (std::int64_t k = 0; k < from.blocks; k += step) {
          const float* mp = m + p * m_stride + o * block_stride;
          const float* vp = v + p * v_stride + k * block_stride;
          float* dup = du + ((p * to.blocks + o) * from.blocks + k) * pair;
          if (step == 2)
            multiply_gradient<2>(mp, vp, block_stride, chunk->count, dup);
          else
            multiply_gradient<1>(mp, vp, block_stride, chunk->count, dup);
        }
  }
}

std::int64_t tiles_along(std::int64_t extent) { return (extent + 3) / 4; }

Grid input_grid(const WinogradShape& s) {
  return {s.in / kBlock,           s.height, s.width, s.top, s.left, tiles_along(s.out_height),
          tiles_along(s.out_width)};
}

Grid output_grid(const WinogradShape& s) {
  return {s.out / kBlock,          s.out_height, s.out_width, 0, 0, tiles_along(s.out_height),
          tiles_along(s.out_width)};
}

// dx = the mirrored filter over dy: the output of one is the input of the other.
WinogradShape transposed(const WinogradShape& s) {
  return {s.n, s.out_height, s.out_width, s.out, s.height, s.width, s.in, 2 - s.top, 2 - s.left};
}

std::int64_t floats_of_weights(const WinogradShape& s) { return kPoints * s.in * s.out; }

}  // namespace

std::size_t Winograd::workspace_bytes() const {
  const std::int64_t in = shape_.in / kBlock, out = shape_.out / kBlock;
  const TilesPerChunk tiles = tiles_per_chunk(shape_.in, shape_.out);
  // Of one chunk: what goes into the products and two blocks of what comes out, either way; or both
  // factors of the weight gradient.
  const std::int64_t product =
      point_stride(std::max(in, out), tiles.product) + point_stride(2, tiles.product);
  const std::int64_t gradient =
      point_stride(in, tiles.gradient) + point_stride(out, tiles.gradient);
  const std::int64_t floats = floats_of_weights(shape_) + kPoints * std::max(product, gradient);
  return static_cast<std::size_t>(floats) * sizeof(float);
}

void Winograd::forward(const float* x, const float* w, const float* bias, float* y,
                       void* workspace) const {
  float* u = static_cast<float*>(workspace);
  transform_weights(w, shape_.in, shape_.out, u);
  convolve<false>(x, input_grid(shape_), u, bias, y, output_grid(shape_), shape_.n,
                  u + floats_of_weights(shape_));
}

void Winograd::backward_data(const float* dy, const float* w, bool add, float* dx,
                             void* workspace) const {
  float* u = static_cast<float*>(workspace);
  transform_mirrored_weights(w, shape_.in, shape_.out, u);
  const WinogradShape s = transposed(shape_);
  float* buffer = u + floats_of_weights(shape_);
  if (add)
    convolve<true>(dy, input_grid(s), u, nullptr, dx, output_grid(s), s.n, buffer);
  else
    convolve<false>(dy, input_grid(s), u, nullptr, dx, output_grid(s), s.n, buffer);
}

void Winograd::backward_weights(const float* x, const float* dy, float* dw, void* workspace) const {
  float* du = static_cast<float*>(workspace);
  accumulate_weight_gradient(x, input_grid(shape_), dy, output_grid(shape_), shape_.n, du,
                             du + floats_of_weights(shape_));
  transform_weight_gradient(du, shape_.in, shape_.out, dw);
}

}  // namespace hadal::cpu
