"use strict";
// The networks of a disRNN, as DisRNN.choice_logits, signals and update compute them, without noise.

accumbens.networks = (function () {
  const softplus = (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
  const activations = {
    softplus,
    tanh: Math.tanh,
    relu: (x) => Math.max(x, 0),
    leaky_relu: (x) => (x >= 0 ? x : 0.01 * x),
  };
  const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

  // Residual networks behind bottlenecks: x_n = multiplier_n * input, an output row for each network.
  function reader(found) {
    const at = (name) => accumbens.array(found[name]);
    const [nets, units, inputs] = found.w_in.shape;
    const layers = found.w_hidden.shape[0];
    const outputs = found.w_out.shape[1];
    const f = activations[found.activation];
    const m = at("multiplier"), w1 = at("w_in"), b1 = at("b_in"), w2 = at("w_hidden");
    const b2 = at("b_hidden"), w3 = at("w_out"), b3 = at("b_out");
    return function (input) {
      const out = [];
      for (let n = 0; n < nets; n++) {
        let h = new Float64Array(units);
        for (let u = 0; u < units; u++) {
          let sum = b1[n * units + u];
          for (let i = 0; i < inputs; i++) sum += w1[(n * units + u) * inputs + i] * m[n * inputs + i] * input[i];
          h[u] = sum;
        }
        for (let l = 0; l < layers; l++) {
          const next = new Float64Array(units);
          const from = (l * nets + n) * units;
          for (let u = 0; u < units; u++) {
            let sum = b2[from + u];
            for (let v = 0; v < units; v++) sum += w2[(from + u) * units + v] * h[v];
            next[u] = h[u] + f(sum) / Math.sqrt(layers);
          }
          h = next;
        }
        const y = [];
        for (let o = 0; o < outputs; o++) {
          let sum = b3[n * outputs + o];
          for (let u = 0; u < units; u++) sum += w3[(n * outputs + o) * units + u] * h[u];
          y.push(sum);
        }
        out.push(y);
      }
      return out;
    };
  }

  return function (found) {
    const update = reader(found.update), choose = reader(found.choice), tell = reader(found.signal);
    const mean = accumbens.array(found.signal_mean), scale = accumbens.array(found.signal_scale);
    const row = (ref, subject) => {
      const [subjects, size] = ref.shape;
      const whole = accumbens.array(ref);
      const i = Math.min(Math.max(subject, 0), subjects - 1);
      return Array.from(whole.slice(i * size, (i + 1) * size));
    };
    const seen = (choice, outcomes) => {
      const coded = found.choices === 2 ? [2 * choice - 1]
        : Array.from({ length: found.choices }, (_, i) => (i === choice ? 1 : 0));
      return [...coded, ...outcomes];
    };
    return {
      latents: found.latents,
      signals: found.signals,
      initial: Array.from(accumbens.array(found.z_initial)),
      // Log-odds of each choice at these latents.
      logits: (z, subject) => choose([...z, ...row(found.embedding, subject)])[0],
      // Probability of each choice.
      probabilities(z, subject) {
        const logits = this.logits(z, subject);
        const top = Math.max(...logits);
        const e = logits.map((x) => Math.exp(x - top));
        const sum = e.reduce((a, b) => a + b, 0);
        return e.map((x) => x / sum);
      },
      // Each signal on a trial, in its own unit.
      signal: (z, choice, outcomes, subject) =>
        tell([...z, ...seen(choice, outcomes), ...row(found.signal_embedding, subject)])
          .map((y, i) => mean[i] + scale[i] * y[0]),
      // The latents after a trial.
      next: (z, choice, outcomes, subject) =>
        update([...z, ...seen(choice, outcomes), ...row(found.embedding, subject)])
          .map(([gate, target], k) => z[k] + sigmoid(gate) * (found.bound * Math.tanh(target / found.bound) - z[k])),
    };
  };
})();
