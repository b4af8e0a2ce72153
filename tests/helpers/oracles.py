"""The models once more, as slow and plain as can be: one session, one trial after another.

Each takes the model's parameters as numbers and one session's `choices` (-1 where missed) and
`rewards`, and returns for each trial the probability of every choice and the prediction error (nan
where missed).
"""

import numpy as np


def softmax(logits):
    odds = [np.exp(x - max(logits)) for x in logits]
    return [x / sum(odds) for x in odds]


def q_learning(choices, rewards, *, alpha, beta, start=0.5, n=2):
    q = [start] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax([beta * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        errors.append(reward - q[choice])
        q[choice] = q[choice] + alpha * (reward - q[choice])
    return np.array(p), np.array(errors)


def dfq(choices, rewards, *, alpha_1, alpha_2, kappa_1, kappa_2, n=2):
    q = [0.0] * n
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax(q))
        if choice == -1:
            errors.append(np.nan)
            continue
        if reward == 1:
            target = kappa_1
        elif reward == 0:
            target = -kappa_2
        else:
            target = reward * kappa_1 + (1 - reward) * -kappa_2
        errors.append(target - q[choice])
        for i in range(n):
            if i == choice:
                q[i] = (1 - alpha_1) * q[i] + alpha_1 * target
            else:
                q[i] = (1 - alpha_2) * q[i]
    return np.array(p), np.array(errors)


def actor_critic(choices, rewards, *, eta, phi, alpha, start=0.5, n=2):
    theta, value = [0.0] * n, start
    p, errors = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        policy = softmax(theta)
        p.append(policy)
        if choice == -1:
            errors.append(np.nan)
            continue
        error = reward - value
        errors.append(error)
        for i in range(n):
            if i == choice:
                theta[i] = (1 - phi) * theta[i] + eta * error * (1 - policy[i])
            else:
                theta[i] = (1 - phi) * theta[i] - eta * error * policy[i]
        value = (1 - alpha) * value + alpha * reward
    return np.array(p), np.array(errors)


def bias_only(choices, rewards, *, bias):
    p = [softmax([0.0, *bias]) for _ in choices]
    return np.array(p), np.where(np.asarray(choices) == -1, np.nan, rewards)


def gru(model, choices, rewards, subject):
    """The GRU's choice probabilities and signals, from its weights, in plain NumPy."""
    w_input, w_hidden, b_input, b_new = (
        np.asarray(x, np.float64)
        for x in (model.w_input, model.w_hidden, model.b_input, model.b_new)
    )
    h = np.asarray(model.initial_hidden, np.float64)
    n = len(h)
    described = np.asarray(model.embedding, np.float64)[subject]
    p, signals = [], []
    for choice, reward in zip(choices, rewards, strict=True):
        p.append(softmax(list(np.asarray(model.w_choice) @ h + np.asarray(model.b_choice))))
        if choice == -1:
            signals.append(np.zeros(model.n_signals))
            continue
        x = np.concatenate([np.eye(model.n_choices)[choice], [reward], described])
        reset = 1 / (1 + np.exp(-(w_input[:n] @ x + w_hidden[:n] @ h + b_input[:n])))
        keep = w_input[n : 2 * n] @ x + w_hidden[n : 2 * n] @ h + b_input[n : 2 * n]
        keep = 1 / (1 + np.exp(-keep))
        new = w_input[2 * n :] @ x + b_input[2 * n :] + reset * (w_hidden[2 * n :] @ h + b_new)
        after = (1 - keep) * np.tanh(new) + keep * h
        read = np.concatenate([h, after, x])
        raw = np.asarray(model.w_signal) @ read + np.asarray(model.b_signal)
        signals.append(np.asarray(model.signal_mean) + np.asarray(model.signal_scale) * raw)
        h = after
    return np.array(p), np.array(signals)


def credit_learner(choices, outcomes, *, alpha, beta, w, n=2):
    q = [0.5] * n
    p, errors = [], []
    for choice, (controllable, distractor) in zip(choices, outcomes, strict=True):
        p.append(softmax([beta * value for value in q]))
        if choice == -1:
            errors.append(np.nan)
            continue
        credit = w * controllable + (1 - w) * max(controllable, distractor)
        errors.append(credit - q[choice])
        q[choice] = q[choice] + alpha * (credit - q[choice])
    return np.array(p), np.array(errors)


def two_process(choices, outcomes, *, alpha, beta, u_c, u_d, u_0, alpha_h, beta_h, n=2):
    q, h = [0.0] * n, [0.0] * n
    p, errors = [], []
    for choice, (c, d) in zip(choices, outcomes, strict=True):
        p.append(softmax([beta * q[i] + beta_h * h[i] for i in range(n)]))
        if choice == -1:
            errors.append(np.nan)
            continue
        utility = {(1, 1): 1.0, (1, 0): u_c, (0, 1): u_d, (0, 0): u_0}.get((c, d))
        if utility is None:  # graded rewards: the mean over rewards drawn with these probabilities
            utility = c * d + c * (1 - d) * u_c + (1 - c) * d * u_d + (1 - c) * (1 - d) * u_0
        errors.append(utility - q[choice])
        for i in range(n):
            chosen = i == choice
            q[i] = (1 - alpha) * q[i] + alpha * (utility if chosen else -utility / (n - 1))
            h[i] = (1 - alpha_h) * h[i] + alpha_h * chosen
    return np.array(p), np.array(errors)
