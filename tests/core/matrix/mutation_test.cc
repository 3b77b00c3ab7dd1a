// Damaged files: whatever the bytes, a reader gives all its rows or throws an Error, and its labels
// are as many as its rows. Run under the address and undefined-behaviour sanitizers as well.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/base/files.h"
#include "core/matrix/open_rows.h"
#include "tests/core/data/made_files.h"
#include "tests/core/matrix/made_files.h"
#include "tests/core/matrix/read_all.h"
#include "tests/core/mutated.h"

namespace hadal::matrix {
namespace {

// Truncating a file that is there makes some file systems wait for the disk; a new one does not.
void write_new(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

void open_and_read(const std::string& path, const OpenOptions& options) {
  const auto rows = open_rows({path}, options);
  EXPECT_TRUE(rows->labels().empty() ||
              static_cast<std::int64_t>(rows->labels().size()) == rows->rows());
  for (const int label : rows->labels())
    EXPECT_LT(static_cast<std::size_t>(label), rows->label_names().size());
  // A damaged shape may state any number of rows of no columns.
  if (rows->cols() == 0 || rows->rows() == 0) return;
  if (const std::byte* place = rows->in_place(0, rows->rows()))
    element_at(rows->element(), place + static_cast<std::size_t>(rows->rows() * rows->cols() - 1) *
                                            bytes_of(rows->element()));
  read_all(*rows);
}

// Returns how many of the mutations were refused.
int run(const std::string& name, const std::string& good, int rounds,
        const OpenOptions& options = {}) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / name;
  write_new(path, good);
  EXPECT_NO_THROW(open_and_read(path, options));
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << kMutationSeed << " round " << round);
    write_new(path, mutated(good, static_cast<std::uint64_t>(round)));
    try {
      open_and_read(path, options);
    } catch (const Error&) {
      ++refused;
    }
  }
  return refused;
}

std::string counted_floats(int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return bytes_of_values(values);
}

TEST(MatrixMutation, Npy) {
  EXPECT_GT(run("x.npy", npy_file(npy_header("<f4", "(7, 5)"), counted_floats(35)), 1500), 500);
  EXPECT_GT(run("x.npy", npy_file(npy_header(">f4", "(3, 4, 5)", true), counted_floats(60)), 1500),
            500);
}

TEST(MatrixMutation, Npz) {
  for (const std::string& file : {kStoredNpz, kDeflatedNpz}) {
    EXPECT_GT(run("x.npz", file, 1500), 300);
    EXPECT_GT(run("x.npz", file, 1500, {.key = "n"}), 300);
  }
}

TEST(MatrixMutation, Csv) {
  std::string text = "name;x;\"y; z\"\n";
  for (int i = 0; i < 30; ++i)
    text += "kind" + std::to_string(i % 4) + ";" + std::to_string(i * 1.5) + ";-1e-" +
            std::to_string(i) + "\n";
  EXPECT_GT(run("x.csv", text, 1500, {.label_column = "name"}), 300);
  EXPECT_GT(run("x.csv", "1.5 2.5 3.5\n4e1 5 6\n7 8 9\n", 1500), 300);
}

TEST(MatrixMutation, Idx) {
  const auto text = [](const data::Bytes& bytes) {
    return std::string(bytes.begin(), bytes.end());
  };
  EXPECT_GT(run("x.idx", text(data::idx_images(5, 4, 4)), 1500), 500);
  EXPECT_GT(run("x.gz", text(data::gzipped(data::idx_images(5, 4, 4))), 1500), 500);
}

TEST(MatrixMutation, Cifar) {
  const data::Bytes file = data::cifar_file(3, 2);
  EXPECT_GT(run("x.bin", std::string(file.begin(), file.end()), 500), 100);
}

TEST(MatrixMutation, Pictures) {
  EXPECT_GT(run("x.pgm", "P5 4 3 255\nabcdefghijkl", 1000), 300);
  EXPECT_GT(run("x.ppm", "P3 2 2 15\n0 1 2 3 4 5 6 7 8 9 10 11\n", 1000), 300);
}

TEST(MatrixMutation, Lists) {
  TemporaryFolder folder;
  write_file_atomically(folder.path() / "a.csv", "1,2\n");
  const std::string good = "# parts\na.csv\na.csv\n";
  for (int round = 0; round < 300; ++round) {
    write_new(folder.path() / "list.txt", mutated(good, static_cast<std::uint64_t>(round)));
    try {
      open_rows({"@" + (folder.path() / "list.txt").string()});
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace hadal::matrix
