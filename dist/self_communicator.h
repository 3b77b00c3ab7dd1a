#pragma once

#include <memory>
#include <string>

#include "dist/communicator.h"

namespace hadal::dist {

/// A group of one.
std::unique_ptr<Communicator> make_self_communicator();

}  // namespace hadal::dist
