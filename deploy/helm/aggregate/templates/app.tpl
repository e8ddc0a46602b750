{{ include "millrace.app" . }}
