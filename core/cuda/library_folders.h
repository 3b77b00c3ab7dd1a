// Where CUDA's libraries may lie when the dynamic linker does not know: in a toolkit's folder, or
// in NVIDIA's pip wheels. A program that is carried from machine to machine cannot have learnt it
// when it was built.
#pragma once

#include <filesystem>
#include <vector>

namespace hadal::cuda {

/// The folders that exist of those in which `roots` keep libraries. A root is a toolkit's folder
/// (lib64, lib, targets/x86_64-linux/lib) or `nvidia` of pip wheels (cu13/lib, cudnn/lib,
/// nccl/lib).
std::vector<std::filesystem::path> library_folders(const std::vector<std::filesystem::path>& roots);

/// Roots, first to last: what HADAL_CUDA_ROOT, CUDA_HOME and CUDA_PATH name; the wheels of the
/// Python environment that is active (VIRTUAL_ENV, CONDA_PREFIX); /usr/local/cuda and its versions;
/// wheels of this user and of the system.
std::vector<std::filesystem::path> usual_roots();

}  // namespace hadal::cuda
