// What most sources include, parsed once (CMakeLists.txt). Every source still includes what it
// uses: with -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON this file is not read.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
