#include "experiments/tensorboard.h"

#include <cerrno>
#include <cstring>

#include <boost/crc.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"

#include "experiments/spec/event.pb.h"

namespace hadal::experiments {
namespace {

// CRC-32C, rotated and shifted by a constant as the record format wants it.
std::uint32_t masked_crc(const void* data, std::size_t bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data, bytes);
  const std::uint32_t value = crc.checksum();
  return ((value >> 15) | (value << 17)) + 0xa282ead8u;
}

std::string host_name() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

TensorBoardLog::TensorBoardLog(const std::filesystem::path& folder)
    : path_(folder / fmt::format("events.out.tfevents.{}.{}", static_cast<long long>(wall_time_s()),
                                 host_name())),
      file_(path_, std::ios::binary | std::ios::app) {
  if (!file_) throw io_error("cannot write", path_.string(), errno);
  tensorboard::Event event;
  event.set_wall_time(wall_time_s());
  event.set_file_version("brain.Event:2");
  record(event.SerializeAsString());
}

void TensorBoardLog::scalars(std::int64_t step,
                             std::span<const std::pair<std::string, double>> values) {
  tensorboard::Event event;
  event.set_wall_time(wall_time_s());
  event.set_step(step);
  for (const auto& [tag, number] : values) {
    tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
    value->set_tag(tag);
    value->set_simple_value(static_cast<float>(number));
  }
  record(event.SerializeAsString());
}

void TensorBoardLog::record(const std::string& event) {
  const std::uint64_t length = event.size();
  const std::uint32_t length_crc = masked_crc(&length, sizeof length);
  const std::uint32_t event_crc = masked_crc(event.data(), event.size());
  file_.write(reinterpret_cast<const char*>(&length), sizeof length);
  file_.write(reinterpret_cast<const char*>(&length_crc), sizeof length_crc);
  file_.write(event.data(), static_cast<std::streamsize>(event.size()));
  file_.write(reinterpret_cast<const char*>(&event_crc), sizeof event_crc);
  file_.flush();
  if (!file_) throw io_error("cannot write", path_.string(), errno);
}

}  // namespace hadal::experiments
