// Holds no test: it is there for prelude.h to be compiled with a program's options.
#include "tests/prelude.h"
