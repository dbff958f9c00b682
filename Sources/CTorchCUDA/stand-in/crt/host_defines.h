// What CUDA's headers mark their declarations with, for a compiler that compiles nothing for the device. NVIDIA keeps
// crt/host_defines.h in a package of its own, which torch does not bring; where it is there, it is found before this file.
#pragma once

#define CUDARTAPI
#define CUDARTAPI_CDECL
#define CUDA_CB
#define __host__
#define __device__
#define __global__
#define __device_builtin__
#define __device_builtin_texture_type__
#define __device_builtin_surface_type__
#define __cudart_builtin__
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
