"""Interactive segmentation with SAM 2: pictures and prompts in, masks out. Knows nothing of Nuclio or Ansible."""
