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

/* Transforms of losses: f(l) = log(1 + a l), and ways to get it wrong. */
double soft(double loss, double a) { return log1p(a * loss); }
double soft_slope(double loss, double a) { return a / (1 + a * loss); }
double soft_wrong(double loss, double a) { return 2 * a / (1 + a * loss); }
float soft_single(float loss, float a) { return log1pf(a * loss); }
float soft_slope_single(float loss, float a) { return a / (1 + a * loss); }
void soft_all(int64_t n, const float *loss, double a, float *value, float *derivative) {
  for (int64_t i = 0; i < n; i++) {
    value[i] = (float)soft(loss[i], a);
    derivative[i] = (float)soft_slope(loss[i], a);
  }
}
/* Each value holds the mean of all losses. */
void mixing(int64_t n, const double *loss, double *value, double *derivative) {
  double mean = 0;
  for (int64_t i = 0; i < n; i++) mean += loss[i] / (double)n;
  for (int64_t i = 0; i < n; i++) value[i] = loss[i] + mean, derivative[i] = 1 + 1 / (double)n;
}
double root(double loss) { return sqrt(loss - 1); }
double root_slope(double loss) { return 0.5 / sqrt(loss - 1); }
double one(double loss) { return loss == loss ? 1.0 : 0.0; }
double same(double loss) { return loss; }

/* Metrics. */
double mean_loss(int64_t n, const double *loss) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += loss[i];
  return sum / (double)n;
}
double right(int32_t label, int64_t prediction) { return label == prediction ? 100 : 0; }
int32_t all_columns(int64_t n, const float *loss, const int32_t *label, const int64_t *prediction,
                    const double *confidence, const int64_t *index, uint8_t set, int64_t classes, double shift) {
  double sum = shift;
  for (int64_t i = 0; i < n; i++) sum += loss[i] + label[i] + (double)prediction[i] + confidence[i] + (double)index[i];
  return (int32_t)(sum + 1000 * set + 10000 * (double)classes);
}
double nothing(int64_t n) { return n / 0.0 - n / 0.0; }
