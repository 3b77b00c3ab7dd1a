// Small pictures that vary in known ways: people differ in slow waves across the picture, pictures
// of a person in a little noise and in brightness.
#pragma once

#include "experiments/studies/eigenfaces/pictures.h"

namespace hadal::eigenfaces {

/// `people` x `each` pictures of height x width, person by person.
Pictures made_faces(int people, int each, int height = 13, int width = 11);

}  // namespace hadal::eigenfaces
