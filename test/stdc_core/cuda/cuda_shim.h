// What kernels.cu needs of CUDA, for a C++ compiler: the tests run the very text that ships.
#pragma once
#include <cmath>

#define __global__
#define __device__

struct Index {
    unsigned x, y, z;
};
extern thread_local Index blockIdx, blockDim, threadIdx;

using std::isfinite;

static inline float __fmul_rn(float a, float b) { return a * b; }  // with -ffp-contract=off
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline void atomicAdd(unsigned* at, unsigned value) { *at += value; }  // one thread runs all
