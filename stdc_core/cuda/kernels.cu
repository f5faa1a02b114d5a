// What the GPU engines do to a frame before and after the network.
//
// Positions and weights come as tables from the host (stdc_core/cuda/tables.py), so they are those
// of stdc_core/geometry.py to the bit. The order of operations is the contract: rows first, then
// columns, each w0 * a + w1 * b in float32, as in stdc_core/upsample.py. The _rn functions keep the
// compiler from fusing a multiplication and an addition into one rounding.
//
// Compiled to PTX by stdc_core/cuda/compile_ptx.py; the tests compile the same text as C++ and run it.

// One position of an axis: it lies between two elements of the source.
struct Linear {
    int lower, upper;
    float lower_weight, upper_weight;
};

// The same for bytes, in OpenCV's fixed point: weights are of 2048.
struct FixedLinear {
    int lower, upper;
    int lower_weight, upper_weight;
};

__device__ inline float mix(float a, float b, float wa, float wb) {
    return __fadd_rn(__fmul_rn(wa, a), __fmul_rn(wb, b));
}

__device__ inline unsigned char to_byte(float value) {  // 0..1
    return (unsigned char)(unsigned int)__fadd_rn(__fmul_rn(value, 255.0f), 0.5f);
}

// Frame (frame_height rows of pitch bytes, 3 bytes a pixel) to the network's input, uint8 RGB
// (height, width, 3). The frame fills content_height x content_width from (top, left); around it
// lies the padding. One thread a pixel of the input.
extern "C" __global__ void resize_frame(
    const unsigned char* frame, int pitch, const FixedLinear* rows, const FixedLinear* columns,
    unsigned char* image, int height, int width, int top, int left, int content_height,
    int content_width, int bgr, int padding_rgb) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    unsigned char* out = image + 3 * ((long long)y * width + x);
    int row = y - top, column = x - left;
    if (row < 0 || row >= content_height || column < 0 || column >= content_width) {
        out[0] = (unsigned char)(padding_rgb >> 16);
        out[1] = (unsigned char)(padding_rgb >> 8);
        out[2] = (unsigned char)padding_rgb;
        return;
    }
    FixedLinear r = rows[row], c = columns[column];
    const unsigned char* upper = frame + (long long)r.lower * pitch;
    const unsigned char* lower = frame + (long long)r.upper * pitch;
    for (int channel = 0; channel < 3; ++channel) {
        int left_byte = 3 * c.lower + channel, right_byte = 3 * c.upper + channel;
        int a = upper[left_byte] * c.lower_weight + upper[right_byte] * c.upper_weight;
        int b = lower[left_byte] * c.lower_weight + lower[right_byte] * c.upper_weight;
        int value = (((a >> 4) * r.lower_weight) >> 16) + (((b >> 4) * r.upper_weight) >> 16);
        out[bgr ? 2 - channel : channel] = (unsigned char)((value + 2) >> 2);
    }
}

// Logits (classes, positions) to the class that wins at each; of equal ones the lowest. Adds to
// not_finite how many logits are NaN or infinite: what wins among those is no class.
extern "C" __global__ void find_winners(
    const float* logits, int classes, int positions, unsigned char* winners,
    unsigned int* not_finite) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= positions) return;
    float highest = logits[i];
    int winner = 0;
    unsigned int bad = !isfinite(highest);
    for (int k = 1; k < classes; ++k) {
        float value = logits[(long long)k * positions + i];
        bad += !isfinite(value);
        if (value > highest) {
            highest = value;
            winner = k;
        }
    }
    winners[i] = (unsigned char)winner;
    if (bad) atomicAdd(not_finite, bad);
}

// Logits (classes, grid_height, grid_width) to labels (height, width). Where the four logits around
// a cell have the same winner, it wins in the whole cell. One thread a pixel.
extern "C" __global__ void upsample_labels(
    const float* logits, const unsigned char* winners, int classes, int grid_height,
    int grid_width, const Linear* rows, const Linear* columns, unsigned char* labels, int height,
    int width) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    Linear r = rows[y], c = columns[x];
    int upper_left = r.lower * grid_width + c.lower, upper_right = r.lower * grid_width + c.upper;
    int lower_left = r.upper * grid_width + c.lower, lower_right = r.upper * grid_width + c.upper;
    int label = winners[upper_left];
    if (label != winners[upper_right] || label != winners[lower_left] ||
        label != winners[lower_right]) {
        float best = 0.0f;
        for (int k = 0; k < classes; ++k) {
            const float* plane = logits + (long long)k * grid_height * grid_width;
            float at_left = mix(
                plane[upper_left], plane[lower_left], r.lower_weight, r.upper_weight);
            float at_right = mix(
                plane[upper_right], plane[lower_right], r.lower_weight, r.upper_weight);
            float value = mix(at_left, at_right, c.lower_weight, c.upper_weight);
            if (k == 0 || value > best) {
                best = value;
                label = k;
            }
        }
    }
    labels[(long long)y * width + x] = (unsigned char)label;
}

// Logits (classes, positions) to the probability of the most likely class at each.
extern "C" __global__ void softmax_maximum(
    const float* logits, int classes, int positions, float* probabilities) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= positions) return;
    float highest = logits[i];
    for (int k = 1; k < classes; ++k) {
        highest = fmaxf(highest, logits[(long long)k * positions + i]);
    }
    float sum = 0.0f;
    for (int k = 0; k < classes; ++k) {
        sum = __fadd_rn(sum, expf(logits[(long long)k * positions + i] - highest));
    }
    probabilities[i] = __fdiv_rn(1.0f, sum);
}

// Binary logits to probabilities, without overflow at either end; counts as find_winners does.
extern "C" __global__ void sigmoid(
    const float* logits, int positions, float* probabilities, unsigned int* not_finite) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= positions) return;
    probabilities[i] = __fmul_rn(0.5f, __fadd_rn(1.0f, tanhf(__fmul_rn(0.5f, logits[i]))));
    if (!isfinite(logits[i])) atomicAdd(not_finite, 1u);
}

// One map (any, grid_width) of 0..1 to bytes (height, width). One thread a pixel.
extern "C" __global__ void upsample_map(
    const float* values, int grid_width, const Linear* rows, const Linear* columns,
    unsigned char* bytes, int height, int width) {
    int x = blockIdx.x * blockDim.x + threadIdx.x;
    int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    Linear r = rows[y], c = columns[x];
    const float* upper = values + (long long)r.lower * grid_width;
    const float* lower = values + (long long)r.upper * grid_width;
    float at_left = mix(upper[c.lower], lower[c.lower], r.lower_weight, r.upper_weight);
    float at_right = mix(upper[c.upper], lower[c.upper], r.lower_weight, r.upper_weight);
    bytes[(long long)y * width + x] = to_byte(mix(at_left, at_right, c.lower_weight, c.upper_weight));
}
