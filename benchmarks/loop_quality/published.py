"""Published accuracies for these streams, and the aims of the default policy.

[1] Souza, Reis, Maletzke, Batista: Challenges in benchmarking stream learning algorithms with real-world data, Data Mining and Knowledge
Discovery 34, 2020. [2] River's page of benchmarks.
"""

from __future__ import annotations

PUBLISHED = {
    "insects_gradual": {
        "ARF, published [1]": 0.779,
        "leveraging bagging, published [1]": 0.725,
        "naive Bayes with ADWIN, published [1]": 0.723,
    },
    "elec2": {"ARF, published [2]": 0.877, "HoeffdingAdaptiveTree, published [2]": 0.821},
}
AIMS = {
    "covtype_areas_dev": {"default": 0.80, "default, labels 1,000 rows late": 0.78},
    "insects_gradual": {"default": 0.77, "default, labels 1,000 rows late": 0.66},
    "noaa_weather": {"default": 0.795, "default, labels 1,000 rows late": 0.785},
    "elec2": {"default": 0.80, "default, labels 1,000 rows late": 0.747},
}
MOST_FITS = 20
