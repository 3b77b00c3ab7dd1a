// Small files for tests of row sources: .npy with any header, .npz as numpy wrote them.
#pragma once

#include <string>
#include <vector>

namespace hadal::matrix {

/// A .npy file: like numpy.save(), the header is filled up with blanks to a multiple of 64.
inline std::string npy_file(const std::string& header, const std::string& elements,
                            int version = 1) {
  const std::size_t before = version == 1 ? 10 : 12;
  std::string text = header;
  text.resize((before + header.size() + 64) / 64 * 64 - before - 1, ' ');
  text += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += static_cast<char>(text.size() >> (8 * i) & 255);
  return file + text + elements;
}

inline std::string npy_header(const std::string& descr, const std::string& shape,
                              bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

template <typename T>
std::string bytes_of_values(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// numpy 1.24: numpy.savez(f, a=numpy.array([[1, 2.5], [-3, 4]], "float32"),
/// n=numpy.arange(3, dtype="int16")).
inline const std::string kStoredNpz(
    "PK\3\4\24\0\0\0\0\0\0\0!\0\14H\233\213\220\0\0\0\220\0\0\0\5\0\24\0a.npy\1\0\20\0"
    "\220\0\0\0\0\0\0\0\220\0\0\0\0\0\0\0\223NUMPY\1\0v\0{'descr': '<f4', 'fortran_order'"
    ": False, 'shape': (2, 2), }                                                         "
    " \12\0\0\200\77\0\0 @\0\0@\300\0\0\200@PK\3\4\24\0\0\0\0\0\0\0!\0j\317\362Q\206\0\0"
    "\0\206\0\0\0\5\0\24\0n.npy\1\0\20\0\206\0\0\0\0\0\0\0\206\0\0\0\0\0\0\0\223NUMPY\1\0"
    "v\0{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }                        "
    "                                    \12\0\0\1\0\2\0PK\1\2\24\3\24\0\0\0\0\0\0\0!\0"
    "\14H\233\213\220\0\0\0\220\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\200\1\0\0\0\0a.npyPK\1\2\24"
    "\3\24\0\0\0\0\0\0\0!\0j\317\362Q\206\0\0\0\206\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\200\1"
    "\307\0\0\0n.npyPK\5\6\0\0\0\0\2\0\2\0f\0\0\0\204\1\0\0\0\0",
    512);

/// The same by numpy.savez_compressed().
inline const std::string kDeflatedNpz(
    "PK\3\4\24\0\0\0\10\0\0\0!\0\14H\233\213U\0\0\0\220\0\0\0\5\0\24\0a.npy\1\0\20\0\220"
    "\0\0\0\0\0\0\0U\0\0\0\0\0\0\0\233\354\27\352\33\20\311\310P\306P\255\236\222Z\234\\"
    "\244n\245\240n\223f\242\256\243\240\236\226_TR\224\230\27\237_\224\222\12\22wK\314)N"
    "\5\212\27g$\26\244\2\371\32F:\12F\232:\12\265\12d\3.\6\206\6{\6\6\5\7\6\6\207\3@\266"
    "\3\0PK\3\4\24\0\0\0\10\0\0\0!\0j\317\362QJ\0\0\0\206\0\0\0\5\0\24\0n.npy\1\0\20\0"
    "\206\0\0\0\0\0\0\0J\0\0\0\0\0\0\0\233\354\27\352\33\20\311\310P\306P\255\236\222Z"
    "\234\\\244n\245\240n\223i\244\256\243\240\236\226_TR\224\230\27\237_\224\222\12\22wK"
    "\314)N\5\212\27g$\26\244\2\371\32\306:\232:\12\265\12\24\0.\6\6F\6&\6\0PK\1\2\24\3"
    "\24\0\0\0\10\0\0\0!\0\14H\233\213U\0\0\0\220\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\200\1\0\0"
    "\0\0a.npyPK\1\2\24\3\24\0\0\0\10\0\0\0!\0j\317\362QJ\0\0\0\206\0\0\0\5\0\0\0\0\0\0\0"
    "\0\0\0\0\200\1\214\0\0\0n.npyPK\5\6\0\0\0\0\2\0\2\0f\0\0\0\15\1\0\0\0\0",
    393);

}  // namespace hadal::matrix
