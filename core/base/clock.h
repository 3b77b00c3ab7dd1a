#pragma once

namespace hadal {

/// Time as a dependency, so that tests can hold the hands.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds from an arbitrary start; never goes back.
  virtual double now_s() const = 0;
  virtual void sleep(double seconds) = 0;
};

class SystemClock final : public Clock {
 public:
  double now_s() const override;
  void sleep(double seconds) override;
};

/// Seconds since 1970, for file contents that people read.
double wall_time_s();

}  // namespace hadal
