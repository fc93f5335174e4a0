"""Views of a run, made from what its log folds to; pure, and made anew at any time."""
