import CTorchTable

/// The operators that `Tensor`'s methods call, all found when LibTorch is opened: one that is missing shows at once.
final class OperatorTable: Sendable {
  // Creation
  let zeros: Operator, ones: Operator, full: Operator, empty: Operator, arange: Operator, eye: Operator,
    randn: Operator, rand: Operator, randint: Operator, randperm: Operator, zerosLike: Operator, onesLike: Operator
  // Arithmetic
  let add: Operator, addScalar: Operator, sub: Operator, subScalar: Operator, rsubScalar: Operator, mul: Operator,
    mulScalar: Operator, div: Operator, divScalar: Operator, neg: Operator, pow: Operator, exp: Operator, log: Operator,
    sqrt: Operator, rsqrt: Operator, sin: Operator, cos: Operator, abs: Operator, sign: Operator, reciprocal: Operator,
    clamp: Operator,
    maximum: Operator, minimum: Operator, floor: Operator, round: Operator, remainder: Operator, sigmoid: Operator,
    tanh: Operator, shiftRight: Operator, bitwiseAndScalarInPlace: Operator, bitwiseAndInPlace: Operator,
    bitwiseOrInPlace: Operator, lerp: Operator, dot: Operator, matmul: Operator, addInPlace: Operator,
    addScalarInPlace: Operator,
    mulInPlace: Operator, mulScalarInPlace: Operator, copy: Operator, setSource: Operator, reluInPlace: Operator,
    fill: Operator,
    zero: Operator,
    maskedFill: Operator, indexCopy: Operator, normalInPlace: Operator, uniformInPlace: Operator
  // Comparison
  let eq: Operator, eqScalar: Operator, ne: Operator, neScalar: Operator, lt: Operator, ltScalar: Operator,
    le: Operator, leScalar: Operator, gt: Operator, gtScalar: Operator, ge: Operator, geScalar: Operator,
    isfinite: Operator, logicalAnd: Operator, logicalOr: Operator, logicalNot: Operator, where_: Operator,
    all: Operator, any: Operator
  // Reduction
  let sum: Operator, sumDim: Operator, mean: Operator, meanDim: Operator, amax: Operator, amin: Operator,
    argmax: Operator, argmin: Operator, logsumexp: Operator, cumsum: Operator, norm: Operator, sort: Operator,
    topk: Operator,
    kthvalue: Operator, bincount: Operator, variance: Operator
  // Shape
  let reshape: Operator, view: Operator, flatten: Operator, transpose: Operator, permute: Operator, narrow: Operator,
    select: Operator, unsqueeze: Operator, squeeze: Operator, expand: Operator, cat: Operator, stack: Operator,
    indexSelect: Operator, gather: Operator, scatter: Operator, index: Operator, flip: Operator, pad: Operator,
    splitSizes: Operator, oneHot: Operator, nonzero: Operator, clone: Operator, contiguous: Operator, detach: Operator,
    toDtype: Operator, toDevice: Operator, viewDtype: Operator, asStrided: Operator
  // Network
  let conv2d: Operator, batchNorm: Operator, relu: Operator, linear: Operator, maxPool2d: Operator, avgPool2d: Operator,
    adaptiveAvgPool2d: Operator, crossEntropy: Operator, logSoftmax: Operator, softmax: Operator, nllLoss: Operator,
    mseLoss: Operator, dropout: Operator, groupNorm: Operator, silu: Operator, siluInPlace: Operator,
    embedding: Operator,
    upsampleNearest2d: Operator, attention: Operator
  // Foreach
  let foreachAdd: Operator, foreachAddScalar: Operator, foreachMul: Operator, foreachMulScalar: Operator,
    foreachMulTensor: Operator, foreachNorm: Operator, foreachCopy: Operator, foreachZero: Operator,
    foreachLerp: Operator, foreachLerpEach: Operator, foreachSub: Operator, fusedSGD: Operator, fusedAdam: Operator,
    fusedAdamW: Operator, fusedSGDTensor: Operator, fusedAdamTensor: Operator, fusedAdamWTensor: Operator

  init(_ table: UnsafePointer<ct_table>) throws(TensorError) {
    func find(_ name: String) throws(TensorError) -> Operator { try unsafe Operator("aten::" + name, table: table) }
    zeros = try find("zeros")
    ones = try find("ones")
    full = try find("full")
    empty = try find("empty.memory_format")
    arange = try find("arange.start_step")
    eye = try find("eye")
    randn = try find("randn.generator")
    rand = try find("rand.generator")
    randint = try find("randint.low_generator")
    randperm = try find("randperm.generator")
    zerosLike = try find("zeros_like")
    onesLike = try find("ones_like")
    add = try find("add.Tensor")
    addScalar = try find("add.Scalar")
    sub = try find("sub.Tensor")
    subScalar = try find("sub.Scalar")
    rsubScalar = try find("rsub.Scalar")
    mul = try find("mul.Tensor")
    mulScalar = try find("mul.Scalar")
    div = try find("div.Tensor")
    divScalar = try find("div.Scalar")
    neg = try find("neg")
    pow = try find("pow.Tensor_Scalar")
    exp = try find("exp")
    log = try find("log")
    sqrt = try find("sqrt")
    rsqrt = try find("rsqrt")
    sin = try find("sin")
    cos = try find("cos")
    abs = try find("abs")
    sign = try find("sign")
    reciprocal = try find("reciprocal")
    clamp = try find("clamp")
    maximum = try find("maximum")
    minimum = try find("minimum")
    floor = try find("floor")
    round = try find("round")
    remainder = try find("remainder.Scalar")
    sigmoid = try find("sigmoid")
    tanh = try find("tanh")
    shiftRight = try find("bitwise_right_shift.Tensor_Scalar")
    bitwiseAndScalarInPlace = try find("bitwise_and_.Scalar")
    bitwiseAndInPlace = try find("bitwise_and_.Tensor")
    bitwiseOrInPlace = try find("bitwise_or_.Tensor")
    lerp = try find("lerp.Scalar")
    dot = try find("dot")
    matmul = try find("matmul")
    addInPlace = try find("add_.Tensor")
    addScalarInPlace = try find("add_.Scalar")
    mulInPlace = try find("mul_.Tensor")
    mulScalarInPlace = try find("mul_.Scalar")
    copy = try find("copy_")
    setSource = try find("set_.source_Tensor")
    reluInPlace = try find("relu_")
    fill = try find("fill_.Scalar")
    zero = try find("zero_")
    maskedFill = try find("masked_fill_.Scalar")
    indexCopy = try find("index_copy_")
    normalInPlace = try find("normal_")
    uniformInPlace = try find("uniform_")
    eq = try find("eq.Tensor")
    eqScalar = try find("eq.Scalar")
    ne = try find("ne.Tensor")
    neScalar = try find("ne.Scalar")
    lt = try find("lt.Tensor")
    ltScalar = try find("lt.Scalar")
    le = try find("le.Tensor")
    leScalar = try find("le.Scalar")
    gt = try find("gt.Tensor")
    gtScalar = try find("gt.Scalar")
    ge = try find("ge.Tensor")
    geScalar = try find("ge.Scalar")
    isfinite = try find("isfinite")
    logicalAnd = try find("logical_and")
    logicalOr = try find("logical_or")
    logicalNot = try find("logical_not")
    where_ = try find("where.self")
    all = try find("all")
    any = try find("any")
    sum = try find("sum")
    sumDim = try find("sum.dim_IntList")
    mean = try find("mean")
    meanDim = try find("mean.dim")
    amax = try find("amax")
    amin = try find("amin")
    argmax = try find("argmax")
    argmin = try find("argmin")
    logsumexp = try find("logsumexp")
    cumsum = try find("cumsum")
    norm = try find("linalg_vector_norm")
    sort = try find("sort.stable")
    topk = try find("topk")
    kthvalue = try find("kthvalue")
    bincount = try find("bincount")
    variance = try find("var.correction")
    reshape = try find("reshape")
    view = try find("view")
    flatten = try find("flatten.using_ints")
    transpose = try find("transpose.int")
    permute = try find("permute")
    narrow = try find("narrow")
    select = try find("select.int")
    unsqueeze = try find("unsqueeze")
    squeeze = try find("squeeze.dim")
    expand = try find("expand")
    cat = try find("cat")
    stack = try find("stack")
    indexSelect = try find("index_select")
    gather = try find("gather")
    scatter = try find("scatter.src")
    index = try find("index.Tensor")
    flip = try find("flip")
    pad = try find("pad")
    splitSizes = try find("split_with_sizes")
    oneHot = try find("one_hot")
    nonzero = try find("nonzero")
    clone = try find("clone")
    contiguous = try find("contiguous")
    detach = try find("detach")
    toDtype = try find("to.dtype")
    toDevice = try find("to.dtype_layout")
    viewDtype = try find("view.dtype")
    asStrided = try find("as_strided")
    conv2d = try find("conv2d")
    batchNorm = try find("batch_norm")
    relu = try find("relu")
    linear = try find("linear")
    maxPool2d = try find("max_pool2d")
    avgPool2d = try find("avg_pool2d")
    adaptiveAvgPool2d = try find("adaptive_avg_pool2d")
    crossEntropy = try find("cross_entropy_loss")
    logSoftmax = try find("log_softmax.int")
    softmax = try find("softmax.int")
    nllLoss = try find("nll_loss")
    mseLoss = try find("mse_loss")
    dropout = try find("dropout")
    groupNorm = try find("group_norm")
    silu = try find("silu")
    siluInPlace = try find("silu_")
    embedding = try find("embedding")
    upsampleNearest2d = try find("upsample_nearest2d.vec")
    attention = try find("scaled_dot_product_attention")
    foreachAdd = try find("_foreach_add_.List")
    foreachAddScalar = try find("_foreach_add_.Scalar")
    foreachMul = try find("_foreach_mul_.List")
    foreachMulScalar = try find("_foreach_mul_.Scalar")
    foreachMulTensor = try find("_foreach_mul_.Tensor")
    foreachNorm = try find("_foreach_norm.Scalar")
    foreachCopy = try find("_foreach_copy_")
    foreachZero = try find("_foreach_zero_")
    foreachLerp = try find("_foreach_lerp_.Scalar")
    foreachLerpEach = try find("_foreach_lerp_.List")
    foreachSub = try find("_foreach_sub.List")
    fusedSGD = try find("_fused_sgd_")
    fusedAdam = try find("_fused_adam_")
    fusedAdamW = try find("_fused_adamw_")
    fusedSGDTensor = try find("_fused_sgd_.tensor_lr")
    fusedAdamTensor = try find("_fused_adam_.tensor_lr")
    fusedAdamWTensor = try find("_fused_adamw_.tensor_lr")
  }
}
