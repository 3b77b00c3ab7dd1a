// The fixed codes of LeNet-5's output units: each digit as a stylised 7 x 12 bitmap, drawn here, so
// that digits that look alike have codes that are near each other. LeCun et al. 1998, section II-B,
// gives the form (84 values of -1 and +1), and its figure 3 the authors' own drawing.
#pragma once

namespace hadal {

inline constexpr int kRbfDigits = 10;
inline constexpr int kRbfElements = 84;  // 12 rows of 7, row by row

/// +1 where the bitmap of `digit` has ink, -1 elsewhere. 0 <= digit < 10, 0 <= element < 84.
int rbf_code(int digit, int element);

}  // namespace hadal
