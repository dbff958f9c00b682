// What belongs to the process or the thread: generators, autocast, threads, CUDA.
#pragma once

#include "CTorch.h"

namespace ct {

void seedAll(uint64_t seed);
ct_generator *makeGenerator(uint64_t seed, int32_t device);
void seed(ct_generator *generator, uint64_t seed);
void getAutocast(int32_t device, int *enabled, int32_t *dtype);
void setAutocast(int32_t device, bool enabled, int32_t dtype);
void openCUDA(const char *folder);
int countCUDA() noexcept;
void synchronize(int32_t device);
void setDeterministic(bool enabled);

}  // namespace ct
