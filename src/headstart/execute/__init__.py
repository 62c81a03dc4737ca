"""Steps carried out: actions per kind, one worker, executors, the scheduler."""
