# CUDA, cuDNN and NVIDIA's compiler: from a toolkit's folder (HADAL_CUDA_ROOT, CUDA_HOME,
# /usr/local/cuda), from the system, or from NVIDIA's pip wheels (nvidia-*-cu13). Sets HADAL_CUDA,
# unless it was given, HADAL_NCCL likewise, and says what was found. Defines hadal_cuda_libraries and
# hadal_nccl_libraries.
set(HADAL_CUDA_ROOT "" CACHE PATH "folder of a CUDA toolkit, or 'nvidia' of pip wheels")
# Ampere, whose code Ada runs too; Hopper, and what later GPUs translate for themselves.
set(HADAL_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "compute capabilities to build for")

file(GLOB wheels /usr/lib/python3*/dist-packages/nvidia /usr/local/lib/python3*/*-packages/nvidia
  $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia)
set(cuda_places ${HADAL_CUDA_ROOT} $ENV{CUDA_HOME} /usr/local/cuda ${wheels})
set(in_bin bin cu13/bin)
set(in_include include cu13/include cudnn/include nccl/include)
set(in_lib lib64 lib cu13/lib cudnn/lib nccl/lib)
find_program(HADAL_NVCC nvcc HINTS ${cuda_places} PATH_SUFFIXES ${in_bin})
find_path(HADAL_CUDA_INCLUDE cuda_runtime_api.h HINTS ${cuda_places} PATH_SUFFIXES ${in_include})
find_path(HADAL_CUDNN_INCLUDE cudnn_graph.h HINTS ${cuda_places} PATH_SUFFIXES ${in_include})
find_library(HADAL_CUDART NAMES libcudart.so.13 HINTS ${cuda_places} PATH_SUFFIXES ${in_lib})
find_library(HADAL_CUBLAS NAMES libcublas.so.13 HINTS ${cuda_places} PATH_SUFFIXES ${in_lib})
find_library(HADAL_CUDNN NAMES libcudnn.so.9 HINTS ${cuda_places} PATH_SUFFIXES ${in_lib})
find_path(HADAL_NCCL_INCLUDE nccl.h HINTS ${cuda_places} PATH_SUFFIXES ${in_include})
find_library(HADAL_NCCL_LIBRARY NAMES libnccl.so.2 HINTS ${cuda_places} PATH_SUFFIXES ${in_lib})

set(missing "")
foreach(part HADAL_NVCC HADAL_CUDA_INCLUDE HADAL_CUDNN_INCLUDE HADAL_CUDART HADAL_CUBLAS HADAL_CUDNN)
  if(NOT ${part})
    list(APPEND missing ${part})
  endif()
endforeach()
list(JOIN missing ", " missing)
if(missing STREQUAL "" AND NOT HADAL_SANITIZE)
  option(HADAL_CUDA "build the GPU backend, libhadal_cuda.so" ON)
else()
  option(HADAL_CUDA "build the GPU backend, libhadal_cuda.so" OFF)
endif()

if(HADAL_CUDA AND missing)
  message(FATAL_ERROR "HADAL_CUDA is ON, but not found: ${missing}; name the folder of a CUDA 13 "
    "toolkit with cuDNN 9 in -DHADAL_CUDA_ROOT=, or pip install nvidia-cuda-nvcc nvidia-cuda-runtime "
    "nvidia-cublas nvidia-cudnn-cu13")
elseif(HADAL_CUDA)
  message(STATUS "CUDA: ${HADAL_NVCC}, cuDNN: ${HADAL_CUDNN}; for compute capability "
    "${HADAL_CUDA_ARCHITECTURES}")
  set(CMAKE_CUDA_COMPILER ${HADAL_NVCC})
  set(CMAKE_CUDA_ARCHITECTURES ${HADAL_CUDA_ARCHITECTURES})
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  if(CCACHE)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know nvcc's
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  add_library(hadal_cuda_libraries INTERFACE)
  target_include_directories(hadal_cuda_libraries SYSTEM INTERFACE
    ${HADAL_CUDA_INCLUDE} ${HADAL_CUDNN_INCLUDE})
  target_link_libraries(hadal_cuda_libraries INTERFACE
    ${HADAL_CUDART} ${HADAL_CUBLAS} ${HADAL_CUDNN})
  if(HADAL_NCCL_INCLUDE AND HADAL_NCCL_LIBRARY)
    option(HADAL_NCCL "build the exchange between GPUs, libhadal_nccl.so" ON)
  else()
    option(HADAL_NCCL "build the exchange between GPUs, libhadal_nccl.so" OFF)
  endif()
  if(HADAL_NCCL AND NOT (HADAL_NCCL_INCLUDE AND HADAL_NCCL_LIBRARY))
    message(FATAL_ERROR "HADAL_NCCL is ON, but nccl.h or libnccl.so.2 was not found; name the folder "
      "of a toolkit that has them in -DHADAL_CUDA_ROOT=, or pip install nvidia-nccl-cu13")
  elseif(HADAL_NCCL)
    message(STATUS "NCCL: ${HADAL_NCCL_LIBRARY}")
    add_library(hadal_nccl_libraries INTERFACE)
    target_include_directories(hadal_nccl_libraries SYSTEM INTERFACE
      ${HADAL_CUDA_INCLUDE} ${HADAL_NCCL_INCLUDE})
    target_link_libraries(hadal_nccl_libraries INTERFACE ${HADAL_NCCL_LIBRARY} ${HADAL_CUDART})
  else()
    message(STATUS "NCCL: not found; GPUs exchange through the memory of their hosts")
  endif()
elseif(missing STREQUAL "")
  message(STATUS "CUDA: off")
else()
  message(STATUS "CUDA: off, not found: ${missing}")
endif()
