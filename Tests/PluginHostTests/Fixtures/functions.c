/* Plain functions for the reweighter that calls through libffi. */
#include <math.h>
#include <stdint.h>

double weight(double loss, double eta) { return exp(-eta * loss); }
double all_scalars(double loss, float clean_loss, double reference, int64_t step, int32_t index, uint8_t set, int64_t n,
                   double weight, int8_t shift) {
  return loss + clean_loss + reference + (double)step + index + set + (double)n + weight + shift;
}
int16_t narrow(double loss) { return (int16_t)(loss - 10); }
uint8_t small(double loss) { return (uint8_t)(loss + 250); }
float single(float loss) { return loss * 0.1f; }
double negative(double loss) { return -loss; }
void whole(int64_t n, const float *loss, double eta, float *weight) {
  for (int64_t i = 0; i < n; i++) weight[i] = (float)exp(-eta * (double)loss[i]);
}
