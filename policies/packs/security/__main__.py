from turnout_policies.engine import serve
from turnout_policies.packs import SECURITY

serve(SECURITY)
