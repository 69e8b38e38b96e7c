"""Triple exponential smoothing, after Holt and Winters: a level, a trend, and what each step of a season adds to them."""

ALPHA = 0.4  # how much of what is new goes into the level
BETA = 0.02  # into the trend
GAMMA = 0.3  # into the season


def forecast(values, season, ahead):
    """The next values, so many ahead, of a series with so many values a season, or None while there is not one whole season.

    With level l, trend b, season s, and m values a season:

        l[t] = ALPHA * (y[t] - s[t-m])       + (1 - ALPHA) * (l[t-1] + b[t-1])
        b[t] = BETA * (l[t] - l[t-1])        + (1 - BETA) * b[t-1]
        s[t] = GAMMA * (y[t] - l[t-1] - b[t-1]) + (1 - GAMMA) * s[t-m]
        forecast[t+h] = l[t] + h * b[t] + s[t+h-m], or of an earlier season where that is not known yet
    """
    if len(values) < season:
        return None
    level, trend, seasonal = begin(values, season)
    for t in range(season, len(values)):
        expected, part = level + trend, seasonal[t % season]
        before, level = level, ALPHA * (values[t] - part) + (1 - ALPHA) * expected
        trend = BETA * (level - before) + (1 - BETA) * trend
        seasonal[t % season] = GAMMA * (values[t] - expected) + (1 - GAMMA) * part
    last = len(values) - 1
    return [level + h * trend + seasonal[(last + h) % season] for h in range(1, ahead + 1)]


def begin(values, season):
    """Level, trend and season at the end of the first season. The trend is that from its mean to the second's, where there is one."""
    mean = sum(values[:season]) / season
    trend = 0.0
    if len(values) >= 2 * season:
        trend = (sum(values[season : 2 * season]) / season - mean) / season
    middle = (season - 1) / 2
    seasonal = [values[t] - mean - trend * (t - middle) for t in range(season)]
    return mean + trend * middle, trend, seasonal
