"""accumbens: what did each outcome teach the animal, and where in the brain is that lesson?"""
